"""Whatever the password and wherever it stands, it is not shown; the rest of the address is."""

import logging

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sightline.addresses import check_encoded, parse_address
from sightline.errors import SightlineError
from sightline.redaction import ScrubbingFormatter, scrubbed, scrubbed_traceback, shown
from sightline.stream_names import derived_id, identity_of

# Marked, so that no secret is by chance a part of what is shown.
SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20).map(
    lambda text: f"S3{text}cr3T"
)
PLAIN_SECRETS = st.text("abcXYZ019-_.~!$*'()+", max_size=12).map(lambda text: f"S3{text}cr3T")
USERS = st.sampled_from(["", "admin", "john.doe", "Admin 1", "röot"])
HOSTS = st.sampled_from(
    [
        "10.0.0.7",
        "127.0.0.1:8554",
        "cam",
        "nvr:554",
        "cam.example.com",
        "cam.example.com:8080",
        "[fe80::1]:554",
    ]
)
TAILS = st.sampled_from(
    ["", "/", "/live", "/cam/realmonitor?channel=7&subtype=0", "/h264/ch7/main", "/x#t=7"]
)
SCHEMES = st.sampled_from(["rtsp", "rtsps", "http", "https", "clickhouse", "RTSP"])
NAMES = st.sampled_from(
    [
        "password",
        "pwd",
        "pass",
        "passwd",
        "token",
        "access_token",
        "key",
        "api-key",
        "auth",
        "secret",
        "sig",
        "X-Amz-Signature",
        "credentials",
        "loginpas",
        "Password",
        "pass%77ord",
        "session_id",
        "jwt",
        "hash",
        "pw",
        "p",
        "unheardof",
    ]
)


def everything_told(source: str) -> str:
    """All that is made of a source for people, files and messages."""
    told = [shown(source), scrubbed(shown(source)), derived_id(source), identity_of(source)]
    told += [scrubbed(f"Cannot open {source}: no route", source), scrubbed(f"'{source}'", source)]
    try:
        check_encoded(source, shown(source))
    except SightlineError as error:
        told.append(str(error))
    return "\n".join(told)


@given(SCHEMES, USERS, SECRETS, HOSTS, TAILS)
@example("rtsp", "admin", "S3/?#@:cr3T", "10.0.0.7", "/live")
@example("rtsp", "admin", "S3@ss#1/x@cr3T", "cam", "")
@example("rtsp", "admin", "S3@a.bc/cr3T", "cam.example.com", "/x#t=7")
def test_a_password_before_the_host_is_hidden_encoded_or_not(scheme, user, secret, host, tail):
    source = f"{scheme}://{user}:{secret}@{host}{tail}"
    told = everything_told(source)
    assert "S3" not in told
    assert "cr3T" not in told
    assert shown(source) == f"{scheme.lower()}://***@{host}{tail}"


@given(SCHEMES, HOSTS, NAMES, PLAIN_SECRETS, st.sampled_from("&;"), st.booleans())
def test_a_password_in_the_query_is_hidden_and_the_channel_is_not(
    scheme, host, name, secret, separator, last
):
    parameters = ["channel=7", f"{name}={secret}", "subtype=0"]
    query = separator.join(parameters[:2] if last else parameters)
    source = f"{scheme}://{host}/cam/realmonitor?{query}"
    told = everything_told(source)
    assert "S3" not in told
    assert "cr3T" not in told
    assert f"{host}/cam/realmonitor?channel=7" in shown(source)
    assert last or "subtype=0" in shown(source)
    assert "channel-7" in derived_id(source)


@given(HOSTS, st.sampled_from("&;_/,"), st.sampled_from(["password", "pwd", "pass"]), SECRETS)
@example("10.0.0.7", "&", "password", "S3&/?#;=cr3T")
@example("10.0.0.7", "_", "password", "S3_x=7_cr3T")
def test_a_password_among_parameters_in_the_path_is_hidden(host, separator, name, secret):
    parameters = ["user=admin", f"{name}={secret}", "channel=7", "stream=0.sdp"]
    source = f"rtsp://{host}/{separator.join(parameters)}?real_stream"
    if "@" in secret and not host[0].isdigit():
        return  # it may as well be the end of a user, and then more is hidden; see the test above
    told = everything_told(source)
    assert "S3" not in told
    assert "cr3T" not in told
    assert f"{separator}channel=7{separator}stream=0.sdp?real_stream" in shown(source)
    assert "channel-7" in derived_id(source).replace("_", "-")
    assert "admin" not in told


@given(HOSTS, st.text("abcXYZ019!$~+", min_size=1, max_size=12).map(lambda text: f"S3{text}cr3T"))
def test_a_password_that_stands_beside_its_name_in_the_path_is_hidden(host, secret):
    for source in (
        f"rtsp://{host}/user_admin_password_{secret}_channel_7_stream_0.sdp",
        f"rtsp://{host}/user/admin/password/{secret}/channel/7",
        f"rtsp://{host}/0/admin:{secret}/channel_7",
    ):
        told = everything_told(source)
        assert "S3" not in told
        assert "cr3T" not in told
        assert "channel" in shown(source)
        assert "channel" in derived_id(source)


@pytest.mark.parametrize("word", ["secret", "password", "pass", "admin", "main", "key"])
def test_a_password_that_is_a_name_itself_is_hidden(word):
    assert (
        shown(f"rtsp://h/user_root_password_{word}_channel_1") == "rtsp://h/user_***_password_***_channel_1"
    )
    assert (
        shown(f"rtsp://h/user=root_password={word}_channel=1") == "rtsp://h/user=***_password=***_channel=1"
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("rtsps://192.168.1.1:7441/7dQkdPpqMVlVWXyo?enableSrtp", "rtsps://192.168.1.1:7441/***?***"),
        ("http://h/flv?port=1935&app=bcs&stream=0&user=a&password=b", "http://h/flv?port=1935&app=bcs&stream=0&user=***&password=***"),
        ("http://h/x?url=rtsp%3A%2F%2Fa%3Ab%40c&id=2", "http://h/x?url=***&id=2"),
        ("http://proxy/rtsp://user:pw@cam/1", "http://***@cam/1"),
        ("http://h/user%3Da%26password%3Db%26channel%3D2", "http://h/user=***&password=***&channel=2"),
        ("http://h/live?token=a/b&channel=3", "http://h/live?token=***&channel=3"),
        ("http://h/auth=abc/live/ch1", "http://h/auth=***/live/ch1"),
        ("http://h/live?dG9rZW4=", "http://h/live?***"),
        ("rtsp://admin:pa/ss", "rtsp://***"),
        ("rtsp://admin:12/34@10.0.0.1/cam", "rtsp://***@10.0.0.1/cam"),
        ("rtsp://u:pw@10.0.0.1/stream@main", "rtsp://***@10.0.0.1/stream@main"),
        ("rtsp://u:pw@nvr.example.com/stream@main", "rtsp://***@nvr.example.com/stream@main"),
        ("rtsp://token@cam/1", "rtsp://***@cam/1"),
        ("rtsp:/admin:pw@10.0.0.1/cam", "rtsp:/***@10.0.0.1/cam"),
        ("admin:pw@10.0.0.1:554/cam", "***@10.0.0.1:554/cam"),
        ("10.0.0.1/flv?user=a&password=b", "10.0.0.1/flv?user=a&password=***"),
        ("rtsp://h/a\x1b[31m\nb", "rtsp://h/a\ufffd[31m\ufffdb"),
    ],
)  # fmt: skip
def test_what_is_hidden(source, expected):
    assert shown(source) == expected
    assert shown(expected) == expected


@pytest.mark.parametrize(
    "source",
    [
        "http://host:80/x",
        "http://host/a@b",
        "rtsp://10.0.0.7:554/cam/realmonitor?channel=1&subtype=0&unicast=true&proto=Onvif",
        "rtsp://10.0.0.7/Streaming/Channels/101?transportmode=unicast",
        "rtsp://10.0.0.7/axis-media/media.amp?camera=2&resolution=640x480&fps=15",
        "rtsp://10.0.0.7/h264Preview_01_main",
        "rtsp://10.0.0.7/live/ch00_0",
        "rtsp://10.0.0.7/onvif-media/media.amp",
        "rtsp://[::1]:554/live",
        "http://localhost:8080/videos/clip.mp4#t=10",
        "http://10.0.0.7:8080/live@main",
        "a@b",
        "video: one.mp4",
        "/videos/Einfahrt Süd @ 3 (1).mp4",
        "C:\\videos\\a.mp4",
        "synthetic:junction?seed=7&fps=15",
        "host:9092,other:9092",
    ],
)
def test_what_holds_no_password_is_shown_whole(source):
    assert shown(source) == source
    assert scrubbed(f"It is {source} .") == f"It is {source} ."


@given(st.text(max_size=80), st.sampled_from(["", "rtsp://", "http://a:b@", "rtsp:"]))
def test_any_text_is_shown_without_an_error_and_only_once(text, start):
    assert shown(shown(start + text)) == shown(start + text)
    assert scrubbed(scrubbed(start + text)) == scrubbed(start + text)
    parse_address(start + text)


def test_addresses_inside_a_text_are_hidden_and_the_text_stays():
    text = (
        "it's 'rtsp://a:S3cr'3T w@h/1' (http://h:80/x?password=S3&id=1), ask a@b; password=S3 {'pwd': 'S3'}"
    )
    assert (
        scrubbed(text)
        == "it's 'rtsp://***@h/1' (http://h:80/x?password=***&id=1), ask a@b; password=*** {'pwd': '***'}"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no rtsp://10.0.0.8/live/main: refused", "no rtsp://10.0.0.8/live/main: refused"),
        ("no http://h/x?channel=2: 401; rtsp://h/y.", "no http://h/x?channel=2: 401; rtsp://h/y."),
        ("no rtsp://me@mail.com:S3 'cr|3T@h/1: 401", "no rtsp://***@h/1: 401"),
        ("rtsp://***@a: refused, rtsp://u:S3@b too", "rtsp://***@a: refused, rtsp://***@b too"),
    ],
)
def test_the_sentence_around_an_address_stays_and_nothing_of_a_user_does(text, expected):
    assert scrubbed(text) == expected


def test_channels_behind_a_colon_are_two_streams_and_passwords_there_are_one():
    assert identity_of("rtsp://h/cam:1") != identity_of("rtsp://h/cam:2")
    assert derived_id("rtsp://h/cam:1") != derived_id("rtsp://h/cam:2")
    assert identity_of("rtsp://h/0/admin:S3cr3T/main") == identity_of("rtsp://h/0/admin:n3w0ne/main")
    assert "S3" not in everything_told("rtsp://h/0/admin:a,S3;b&S3/main")
    assert shown("rtsp://h/0/admin:a,S3;b&S3/main?channel=1") == "rtsp://h/0/***/main?channel=1"


def test_a_password_that_a_library_quotes_alone_is_hidden_where_its_address_is_known():
    source = "rtsp://admin:S3%2Fcr3T@h/x?token=tok3n&user=root&password=p/w%20d&channel=main"
    text = "no S3/cr3T or S3%2Fcr3T, tok3n, p/w d, admin:S3/cr3T; main at h"
    assert scrubbed(text, source) == "no *** or ***, ***, ***, ***; main at h"


def test_an_address_that_was_cut_before_its_host_is_hidden():
    assert scrubbed("cannot open rtsp://admin:S3cr") == "cannot open rtsp://***"


@pytest.mark.parametrize(
    "source", ["rtsp://u:p/w@10.0.0.1/x", "rtsp://u:p@s#w@cam/x", "rtsp://u:p?w@cam", "rtsp://u:p/w"]
)
def test_an_address_that_reaches_nothing_is_refused_with_how_to_write_it(source):
    with pytest.raises(SightlineError) as caught:
        check_encoded(source, shown(source))
    for code in ("%2F for /", "%3F for ?", "%23 for #", "%40 for @"):
        assert code in caught.value.fix


@pytest.mark.parametrize(
    "source",
    [
        "rtsp://u:p%2Fw@10.0.0.1/x",
        "rtsp://u:p@w@cam/x",
        "http://h:8080/@a/live",
        "rtsp://u:p@h/profile@2",
        "a.mp4",
    ],
)
def test_an_address_that_may_be_right_is_tried(source):
    check_encoded(source, shown(source))


def test_log_lines_and_tracebacks_tell_no_password():
    try:
        raise ValueError("no rtsp://u:S3cr3T@h/1")
    except ValueError as error:
        record = logging.LogRecord(
            "x",
            logging.ERROR,
            "f",
            1,
            "bad %s",
            ("http://h/?pwd=S3cr3T",),
            (ValueError, error, error.__traceback__),
        )
        line = ScrubbingFormatter("%(message)s").format(record)
        trace = scrubbed_traceback(ValueError, error, error.__traceback__)
    assert "S3cr3T" not in line + trace
    assert "bad http://h/?pwd=***" in line
    assert "ValueError: no rtsp://***@h/1" in line
    assert "ValueError: no rtsp://***@h/1" in trace

"""What streams are called: legal, readable, apart from each other, and the same in every order."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.wire import STREAM_ID
from sightline.errors import SightlineError
from sightline.stream_names import (
    check_apart,
    check_source,
    check_stream_id,
    derived_id,
    identity_of,
    name_sources,
)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("/videos/bridge_traffic.mp4", "bridge_traffic"),
        ("gate.north.mkv", "gate.north"),
        ("cam.1", "cam.1"),
        (".hidden.mp4", "hidden"),
        ("Zufahrt Süd (1).avi", "Zufahrt-Sud-1"),
        ("Straße Ærø Łódź.mp4", "Strasse-AEro-Lodz"),
        ("Back Porch.mp4", "Back-Porch"),
        ("ＣＡＭ１.mp4", "CAM1"),
        ("C:\\videos\\dock.mp4", "dock"),
        ("synthetic:7?fps=15", "synthetic-7"),
        ("rtsp://user:secret@10.0.0.7:554/live/cam1", "10.0.0.7-live-cam1"),
        ("rtsp://10.0.0.7", "10.0.0.7"),
        ("rtsp://10.0.0.7:8554/live", "10.0.0.7-8554-live"),
        ("rtsp://u:p@h/cam/realmonitor?channel=2&subtype=0", "h-cam-realmonitor-channel-2-subtype-0"),
        ("rtsp://h/user=a&password=b&channel=1&stream=0.sdp", "h-channel-1-stream-0"),
        ("http://h/videos/Hof%20S%C3%BCd.mp4", "h-videos-Hof-Sud"),
    ],
)
def test_a_stream_is_called_after_what_tells_its_source_from_others(source, expected):
    assert derived_id(source) == expected


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("駐車場.mp4", "stream-"),
        ("玄関前.mp4", "stream-"),
        ("cam駐車場.mp4", "cam-"),
        ("Двор 3.mp4", "3-"),
        ("gate🚗.mp4", "gate-"),
        ("...", "stream-"),
        ("x" * 90 + ".mp4", "x" * 55 + "-"),
        ("rtsps://h:7441/7dQkdPpqMVlVWXyo", "h-7441-"),
    ],
)
def test_where_letters_had_to_go_a_digest_stands_for_them(name, start):
    found = derived_id(name)
    assert found.startswith(start)
    assert len(found) == len(start) + 8
    assert int(found.removeprefix(start), 16) >= 0


@given(st.text(max_size=200), st.sampled_from(["", "/a/", "rtsp://", "rtsp://u:p@h/", "synthetic:"]))
def test_any_source_gives_a_legal_stream_id(text, start):
    assert STREAM_ID.match(derived_id(start + text))


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0."), min_size=1, max_size=12)
PATHS = st.tuples(st.sampled_from(["/a", "/b"]), NAMES).map(lambda parts: f"{parts[0]}/{parts[1]}.mp4")
ADDRESSES = st.tuples(
    st.sampled_from("hk"), st.sampled_from("12"), st.sampled_from(["", "?channel=1", "?channel=2"])
)
SOURCES = PATHS | ADDRESSES.map(lambda parts: f"rtsp://{parts[0]}/{parts[1]}{parts[2]}")


@given(
    st.lists(SOURCES | st.sampled_from(["/a/cam.mp4", "/b/cam.mp4", "/b/CAM.avi"]), max_size=8, unique=True),
    st.randoms(),
)
def test_the_order_of_the_sources_says_nothing_about_their_names(sources: list[str], chance: random.Random):
    names = dict(zip(sources, name_sources(sources, {}), strict=True))
    assert len({name.casefold() for name in names.values()}) == len(sources)
    assert all(STREAM_ID.match(name) for name in names.values())
    mixed = chance.sample(sources, len(sources))
    assert dict(zip(mixed, name_sources(mixed, {}), strict=True)) == names


@given(st.lists(SOURCES, max_size=5, unique=True), st.lists(SOURCES, max_size=5, unique=True))
def test_a_source_keeps_its_name_and_no_other_gets_it(first: list[str], second: list[str]):
    known: dict[str, list[str]] = {}
    for source, name in zip(first, name_sources(first, {}), strict=True):
        known.setdefault(name, []).append(identity_of(source))
    before = dict(zip(first, known, strict=True))
    for source, name in zip(second, name_sources(second, known), strict=True):
        if source in before:
            assert name == before[source]
        else:
            assert name.casefold() not in {each.casefold() for each in known}


def test_files_of_one_name_are_told_apart_by_their_folders():
    one, two = name_sources(["/a/cam.mp4", "/b/cam.mp4"], {})
    assert one.startswith("cam-")
    assert two.startswith("cam-")
    assert one != two
    assert name_sources(["/b/cam.mp4"], {"cam": [identity_of("/a/cam.mp4")]}) == [two]
    assert name_sources(["/b/cam.mp4"], {"CAM": [identity_of("/a/cam.mp4")]}) == [two]
    assert name_sources(["/b/cam.mp4"], {}, ["cam"]) == [two]
    assert name_sources(["/a/cam.mp4", "/b/cam.mp4"], {"cam": [identity_of("/a/cam.mp4")]}) == ["cam", two]


def test_a_name_that_was_given_by_hand_stays_with_its_source():
    assert name_sources(["/a/cam.mp4"], {"gate": [identity_of("/a/cam.mp4")]}) == ["gate"]


def test_a_file_is_the_same_by_every_path_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "cam.mp4").touch()
    (tmp_path / "link.mp4").symlink_to("cam.mp4")
    monkeypatch.chdir(tmp_path / "sub")
    ways = ["../cam.mp4", "../sub/../cam.mp4", "../link.mp4", str(tmp_path / "cam.mp4")]
    assert {identity_of(way) for way in ways} == {os.path.realpath(tmp_path / "cam.mp4")}
    assert name_sources(["../link.mp4"], {"cam": [identity_of("../cam.mp4")]}) == ["cam"]
    with pytest.raises(SightlineError, match=r"\.\./cam\.mp4 and \.\./link\.mp4 are the same"):
        name_sources(["../link.mp4", "../cam.mp4"], {})


def test_a_camera_is_the_same_with_a_new_password_and_its_usual_port():
    plain = identity_of("rtsp://u:old@CAM/live?channel=1&token=a")
    assert identity_of("RTSP://v:ne/w@cam:554/live?channel=1&token=b") == plain
    assert identity_of("rtsp://cam:555/live?channel=1&token=a") != plain
    assert identity_of("rtsp://cam/live?channel=2&token=a") != plain


def test_cameras_that_differ_in_what_is_hidden_only_are_told_apart():
    one, two = "rtsps://h:7441/7dQkdPpqMVlVWXyo", "rtsps://h:7441/8eRlePpqNVlVWXyp"
    assert identity_of(one) != identity_of(two)
    assert derived_id(one) != derived_id(two)
    assert len(set(name_sources(["http://h/user/1", "http://h/user/2", "http://h/live_key_3"], {}))) == 3
    with pytest.raises(SightlineError, match=r"rtsp://h/live\?token=\*\*\* is named twice"):
        name_sources(["rtsp://h/live?token=one", "rtsp://h/live?token=two"], {})


@pytest.mark.parametrize(
    "name", ["Back Porch", "Einfahrt-Süd", "cam/1", "", ".", "..", "a" * 65, "cam\n", "駐車場"]
)
def test_what_is_no_stream_id_is_refused_with_one_that_is(name):
    with pytest.raises(SightlineError, match="is no stream id: use 1 to 64 of A-Z a-z 0-9") as caught:
        check_stream_id(name)
    assert check_stream_id(caught.value.fix.partition(" ")[0])


@pytest.mark.parametrize("name", ["gate", "...", "-", "a.b_c-D9", "x" * 64])
def test_what_is_a_stream_id_stays_as_it_is(name):
    assert check_stream_id(name) == name


@pytest.mark.parametrize(
    ("names", "said"),
    [(["a", "b", "a"], "Two sources are to be the stream a"), (["a", "A"], "capital letters")],
)
def test_ids_that_a_disk_may_not_tell_apart_are_refused(names, said):
    with pytest.raises(SightlineError, match=said):
        check_apart(names)
    check_apart(["a", "b"])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("a\0b", "UTF-8"),
        ("a\udcff.mp4", "UTF-8"),
        ("rtsp://a:b/c@1.2.3.4", "%2F"),
    ],
)
def test_a_source_that_cannot_be_one_is_refused(source, said):
    with pytest.raises(SightlineError, match=said):
        check_source(source)


@pytest.mark.parametrize(
    "name", ["rtsp://me:s3cret@cam/1", "me:s3cret@cam/1", "http://cam/x?password=s3cret&channel=1"]
)
def test_an_address_in_the_place_of_an_id_is_told_without_its_password(name):
    with pytest.raises(SightlineError, match="is no stream id") as caught:
        check_stream_id(name)
    assert "s3cret" not in str(caught.value)
    assert caught.value.fix.startswith("cam-")


@pytest.mark.parametrize("source", ["ftp://cam/x", "srt://10.0.0.7:9000", "SFTP://u:p@cam/x", "://x"])
def test_an_address_of_a_kind_that_is_not_known_is_refused_before_anything_starts(source: str) -> None:
    with pytest.raises(SightlineError, match="which is not known"):
        check_source(source)


@pytest.mark.parametrize(
    "source", ["RTSP://cam/x", "rtsps://cam/x", "HTTP://cam/x", "a:b.mp4", "synthetic:dock"]
)
def test_addresses_of_cameras_and_files_are_taken(source: str) -> None:
    check_source(source)

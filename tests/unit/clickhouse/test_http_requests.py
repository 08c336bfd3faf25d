"""Requests are read as ClickHouse reads them, and limits cannot be lifted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.clickhouse.http.requests import QueryRequest, RequestError, is_local, query_request
from sightline.clickhouse.query_settings import CAPS, capped, is_open, settings_of


def test_url_and_body_make_one_query() -> None:
    request = query_request("query=SELECT&param_a=1&database=x", {}, b"{a:UInt8}")
    assert request.sql == "SELECT\n{a:UInt8}"
    assert request.bound == {"a": "1"}
    assert request.format == "TabSeparated"


def test_a_header_names_the_format_before_the_url() -> None:
    headers = {"x-clickhouse-format": "JSON"}
    assert query_request("default_format=CSV", headers, b"SELECT 1").format == "JSON"
    assert query_request("default_format=CSV", {}, b"SELECT 1").format == "CSV"


def test_a_form_holds_query_and_parameters() -> None:
    body = (
        b'--xyz\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT {a:String}\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="param_a"\r\n\r\nb\r\n--xyz--\r\n'
    )
    request = query_request("", {"content-type": "multipart/form-data; boundary=xyz"}, body)
    assert (request.sql, request.bound) == ("SELECT {a:String}", {"a": "b"})


@pytest.mark.parametrize(
    ("url", "headers", "body"),
    [
        ("", {"content-encoding": "gzip"}, b"x"),
        ("decompress=1", {}, b"x"),
        ("", {}, b"\xff"),
        ("default_format=a/b", {}, b"SELECT 1"),
        (
            "",
            {"content-type": "multipart/form-data; boundary=x"},
            b'--x\r\nContent-Disposition: form-data; name="t"; filename="t"\r\n\r\n1\r\n--x--\r\n',
        ),
    ],
)
def test_what_is_no_query_is_said(url: str, headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(RequestError):
        query_request(url, headers, body)


@given(st.text(max_size=50), st.binary(max_size=200))
def test_any_request_is_read_or_refused(url: str, body: bytes) -> None:
    try:
        request = query_request(url, {"content-type": "multipart/form-data; boundary=x"}, body)
    except (RequestError, ValueError):
        return
    assert request.format.isalnum()


@pytest.mark.parametrize(
    "host", [None, "127.0.0.1", "127.0.0.1:8123", "localhost:1", "LOCALHOST", "[::1]:5", "[::1]"]
)
def test_loopback_names_are_local(host: str | None) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["", "example.com", "example.com:80", "127.0.0.1.example.com", "10.0.0.1:1"])
def test_other_names_are_not(host: str) -> None:
    assert not is_local(host)


@given(st.sampled_from(sorted(CAPS)), st.text(max_size=12) | st.integers().map(str) | st.floats().map(str))
def test_no_value_lifts_a_limit(name: str, value: str) -> None:
    assert 0 < float(capped(name, value)) <= CAPS[name]


def test_settings_are_taken_refused_or_none_of_ours() -> None:
    parameters = {
        "max_threads": "1",
        "query": "x",
        "user": "y",
        "param_p": "z",
        "output_format_json_quote_denormals": "1",
    }
    settings, refused = settings_of(QueryRequest("SELECT 1", parameters, "CSV").settings)
    assert refused is None
    assert settings["max_threads"] == "1"
    assert settings["output_format_json_quote_denormals"] == "1"
    assert settings.keys() == CAPS.keys() | {"result_overflow_mode", "output_format_json_quote_denormals"}
    assert settings_of({"max_insert_threads": "8"})[1] == "max_insert_threads"
    assert settings_of({"output_format_schema": "/tmp/x"})[1] == "output_format_schema"
    for name in (
        "max_memory_usage = 1, readonly",
        "output_format_a = 1, max_memory_usage",
        "output_format_x'",
        "",
    ):
        assert not is_open(name)

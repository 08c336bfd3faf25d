"""Servers on this machine are never asked through a proxy, and no proxy's password is shown."""

import os
import urllib.request

import pytest
from clickhouse_connect.driver.httputil import check_env_proxy
from hypothesis import given
from hypothesis import strategies as st

from sightline.cli import main
from sightline.proxies import LOOPBACK_NAMES, loopback_is_direct, proxies_of
from sightline.stack import checks

PROXY = "http://user:p@ss@127.0.0.1:9"


@pytest.mark.parametrize(
    "given_as", [{}, {"no_proxy": ""}, {"no_proxy": ".corp, 10.0.0.1"}, {"NO_PROXY": ".corp"}]
)
@pytest.mark.parametrize("host", LOOPBACK_NAMES)
def test_no_library_asks_a_proxy_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, given_as: dict[str, str], host: str
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    environ = {"http_proxy": PROXY, "HTTPS_PROXY": PROXY, "all_proxy": PROXY} | given_as
    for name, value in (environ | loopback_is_direct(environ)).items():
        monkeypatch.setenv(name, value)
    assert urllib.request.proxy_bypass_environment(host)
    assert check_env_proxy("http", host, 8123) is None
    assert check_env_proxy("https", host, 8443) is None
    # A server elsewhere is still asked through it, and the exceptions that were there still hold.
    assert check_env_proxy("http", "clickhouse.example", 8123) == PROXY
    assert bool(urllib.request.proxy_bypass_environment("x.corp")) is ("corp" in str(given_as))


def test_grpc_has_an_exception_of_its_own_which_hides_the_other() -> None:
    assert "no_grpc_proxy" not in loopback_is_direct({"no_proxy": ".corp"})
    changes = loopback_is_direct({"no_grpc_proxy": "triton", "no_proxy": "*"})
    assert changes["no_grpc_proxy"] == "triton,127.0.0.1,localhost,::1"
    assert "no_proxy" not in changes


def test_nothing_changes_the_second_time() -> None:
    once = loopback_is_direct({"no_proxy": "localhost"})
    assert once["no_proxy"] == "localhost,127.0.0.1,::1"
    assert loopback_is_direct(once) == once


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://proxy:3128", "http://proxy:3128"),
        ("http://me:s3cret@proxy:3128/", "http://proxy:3128"),
        ("me:s3cret@proxy:3128", "http://proxy:3128"),
        ("socks5h://me:s3c@ret/#@[::1]:1080", "socks5h://[::1]:1080"),
        ("http://me:s3cret@proxy:port", "an address that cannot be read"),
    ],
)
def test_a_proxy_is_shown_without_its_password(address: str, shown: str) -> None:
    assert proxies_of({"HTTP_PROXY": address, "no_proxy": "x"}) == {"HTTP_PROXY": shown}


@given(password=st.text(st.characters(exclude_characters="@", exclude_categories=["Cs"]), min_size=4))
def test_no_password_is_ever_shown(password: str) -> None:
    for user in ("http://me", "me"):
        address = f"{user}:{password}@proxy.example:3128"
        assert proxies_of({"https_proxy": address}) == {"https_proxy": "http://proxy.example:3128"}


def test_the_command_line_is_told_so_at_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"http_proxy": PROXY, "PATH": os.environ["PATH"]})
    monkeypatch.setattr("sys.argv", ["sightline", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert os.environ["no_proxy"] == "127.0.0.1,localhost,::1"


def test_doctor_tells_what_is_set_without_the_password() -> None:
    (found,) = checks._proxies({"https_proxy": PROXY})
    assert found.verdict is checks.Verdict.NOTE
    assert "https_proxy=http://127.0.0.1:9" in found.said
    assert "p@ss" not in found.said + found.fix
    assert list(checks._proxies({})) == []

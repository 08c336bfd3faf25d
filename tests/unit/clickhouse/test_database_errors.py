"""An error that passes is waited for; one that stays is told."""

import logging
import socket

import pytest

from sightline.cli.app import run, say_error
from sightline.clickhouse.database import UnavailableError, refused
from sightline.clickhouse.server import Server
from sightline.errors import SightlineError


@pytest.mark.parametrize("code", [None, 202, 209, 210, 241, 242, 243, 252, 319, 999])
def test_what_passes_is_unavailable(code: int | None) -> None:
    assert isinstance(refused("insert", code, "x"), UnavailableError)


@pytest.mark.parametrize(
    ("code", "hint"), [(60, "Restart"), (81, "Restart"), (516, "password"), (497, "SELECT"), (62, "")]
)
def test_what_stays_is_an_error_with_a_way_out(code: int, hint: str) -> None:
    error = refused("insert into t", code, "  it\n broke ")
    assert isinstance(error, SightlineError)
    assert error.what == "ClickHouse refused to insert into t: it broke"
    assert hint in error.fix


@pytest.mark.parametrize("dsn", ["clickhouse://me:s3/cret@host:1", "clickhouse://me:33/cret@host:1"])
def test_a_servers_password_that_is_not_encoded_is_told_with_how_to_write_it(dsn: str) -> None:
    with pytest.raises(SightlineError, match="%2F for /") as caught:
        Server(dsn).connect()
    assert "clickhouse://***@host:1" in caught.value.what
    assert not any(part in str(caught.value) for part in ("s3", "33", "cret"))


def test_what_the_library_does_not_take_in_an_address_is_told_with_one_that_can_be_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SightlineError, match="which is not an address") as caught:
        Server("http://127.0.0.1:1/?password=s3cret").connect()
    say_error(caught.value)
    said = capsys.readouterr().err
    assert "then user:password@ where they are needed, then host:port" in said
    assert "s3cret" not in said


def test_a_server_that_does_not_answer_is_told_in_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as in a command that logs nothing
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dsn = f"clickhouse://me:s3cret@127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=r"let us in: Connection refused$"):
            Server(dsn).connect()
        assert run(["--set", f"clickhouse.dsn={dsn}", "query", "SELECT 1"]) == 1
    shown = dsn.replace("me:s3cret", "***")
    assert capsys.readouterr().err == (
        f"Error: ClickHouse at {shown} does not answer: Connection refused.\n"
        "       Check clickhouse.dsn, and that the server runs.\n"
    )

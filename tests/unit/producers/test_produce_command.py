"""`sightline produce` checks what it is told to capture before it reaches for a broker."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import producers.service
from sightline.cli.app import run
from sightline.known_sources import remember_source
from sightline.settings import StreamSettings
from sightline.stream_names import identity_of


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Mapping[str, StreamSettings]]:
    """The streams of each gateway that would have run."""
    found: list[Mapping[str, StreamSettings]] = []

    def serve(streams: Mapping[str, StreamSettings], *_: Any) -> int:
        found.append(streams)
        return 0

    monkeypatch.setattr(producers.service, "serve_gateway", serve)
    monkeypatch.chdir(tmp_path)
    return found


@pytest.mark.parametrize("name", ["Back Porch", "Einfahrt-Süd", "cam/1", "..", "a" * 65])
def test_a_name_that_is_no_stream_id_is_refused(name, served, capsys):
    assert run(["produce", "any.mp4", "--stream", name, "--state", "s"]) == 1
    assert "is no stream id" in capsys.readouterr().err
    assert served == []


def test_a_password_that_is_not_encoded_is_refused_and_not_shown(served, capsys):
    assert run(["produce", "rtsp://admin:S3/w#cr3T@127.0.0.1/cam"]) == 1
    said = capsys.readouterr().err
    assert "rtsp://***@127.0.0.1/cam" in said
    assert "%2F for /" in said
    assert "cr3T" not in said
    assert served == []


def test_a_source_without_a_name_keeps_clear_of_what_is_in_the_state_folder(served, tmp_path):
    remember_source(tmp_path, "cam", identity_of("elsewhere/cam.mp4"))
    assert run(["produce", "cam.mp4", "--state", str(tmp_path)]) == 0
    assert run(["produce", "elsewhere/cam.mp4", "--state", str(tmp_path)]) == 0
    assert run(["produce", "cam.mp4", "--stream", "cam", "--state", str(tmp_path)]) == 0
    (other,), (same,), (given,) = served
    assert other.startswith("cam-")
    assert (same, given) == ("cam", "cam")


def test_one_stream_of_the_settings_can_be_chosen(served, tmp_path, capsys):
    (tmp_path / "sightline.toml").write_text("[streams.a]\nsource = 'x'\n[streams.b]\nsource = 'y'\n")
    assert run(["produce"]) == 0
    assert run(["produce", "--stream", "b"]) == 0
    assert [list(streams) for streams in served] == [["a", "b"], ["b"]]
    assert run(["produce", "--stream", "c"]) == 1
    assert "The settings have no stream 'c'." in capsys.readouterr().err


def test_a_wrong_word_is_quoted_without_its_password(capsys):
    assert run(["produce", "a.mp4", "rtsp://u:S3cr3T@h/x"]) == 2
    assert run(["rtsp://u:S3cr3T@h/x"]) == 2
    assert run(["run", "--data", "d", "--mode", "rtsp://u:S3cr3T@h/x", "a"]) == 2
    said = capsys.readouterr().err
    assert "***" in said
    assert "S3cr3T" not in said

"""A global option reaches every process that a command starts, and a new one that is forgotten fails here."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from sightline.cli import app
from sightline.pipeline import standing
from sightline.pipeline.plan import stage_environment
from sightline.settings import Settings
from sightline.settings_sources import load

TOML = "[kafka]\npartitions = 3\n[streams.'gate.1']\nsource = 'rtsp://me:s3cret@cam/1'\nmode = 'detections'\n"

# For each global option words that use it, and what they must change in a child. None: it starts nothing.
EXAMPLES: dict[str, tuple[list[str], Callable[[Settings], bool]] | None] = {
    "config": (
        ["--config", "my settings.toml"],
        lambda settings: settings.kafka.partitions == 3 and settings.streams["gate.1"].mode == "detections",
    ),
    "set_": (
        ["--set", "clickhouse.http_port=18123", "--set", "streams.yard.source=a=b.mp4"],
        lambda settings: (
            settings.clickhouse.http_port == 18123 and settings.streams["yard"].source == "a=b.mp4"
        ),
    ),
    "_version": None,
}
GLOBAL_OPTIONS = [parameter.name for parameter in typer.main.get_command(app.build()).params]


class Started(Exception):  # noqa: N818 - it is no error
    """A command came as far as starting something."""


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("SIGHTLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    Path("my settings.toml").write_text(TOML)
    Path("a.mp4").write_bytes(b"x")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """The words and the environment of whatever a command starts."""
    found: list[tuple[list[str], dict[str, str]]] = []

    def popen(words: list[str], *, env: dict[str, str], **_: object) -> None:
        found.append((words, env))
        raise Started

    def run(settings: Settings, *_: object, **__: object) -> None:
        found.append(([], stage_environment(settings, os.environ)))
        raise Started

    # What the machine has is not asked for here: it would run a Java.
    monkeypatch.setattr("sightline.stack.checks.examine_machine", lambda *_, **__: ())
    monkeypatch.setattr(standing.subprocess, "Popen", popen)
    monkeypatch.setattr("sightline.pipeline.standing.stand", run)
    monkeypatch.setattr("sightline.pipeline.runs.execute", run)
    return found


def test_every_global_option_has_an_example() -> None:
    assert {name for name in GLOBAL_OPTIONS if name != "help"} == set(EXAMPLES)


@pytest.mark.parametrize("command", [["up", "--detach"], ["up"], ["run", "a.mp4"], ["demo"]], ids=" ".join)
@pytest.mark.parametrize("option", [name for name, example in EXAMPLES.items() if example])
def test_a_global_option_reaches_what_a_command_starts(
    started: list[tuple[list[str], dict[str, str]]], option: str, command: list[str]
) -> None:
    example = EXAMPLES[option]
    assert example is not None
    words, holds = example
    with pytest.raises(Started):
        app.run([*words, *command])
    (argv, env) = started[0]
    # The file of the folder that a child happens to start in is none of its business.
    Path("sightline.toml").write_text("[kafka]\nhome = '/nowhere'\n")
    settings = settings_of_child(argv, env)
    assert holds(settings)
    assert settings.kafka.home is None
    assert "s3cret" not in " ".join(argv)


def settings_of_child(argv: list[str], env: dict[str, str]) -> Settings:
    """What the child's own command line makes of its words and its environment."""
    if not argv:
        return load(env).settings
    assert argv[1:4] == ["-m", "sightline", "up"]
    seen: list[Settings] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", env)
        patch.setattr("sightline.pipeline.standing.stand", lambda settings, *_: seen.append(settings))
        assert app.run(argv[3:]) == 0
    return seen[0]


def test_a_data_folder_that_cannot_be_used_is_told_before_anything_is_started(
    started: list[tuple[list[str], dict[str, str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.run(["up", "--detach", "--data", "a.mp4/inside"]) == 1
    assert "Cannot use the data folder" in capsys.readouterr().err
    assert not started

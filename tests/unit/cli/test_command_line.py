"""The command line says what is wrong in a sentence and what to do in another."""

import importlib.metadata
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sightline.cli.app import build, run, say_error
from sightline.cli.audit import parse_age_s
from sightline.cli.context import log_to_stderr, parse_values
from sightline.errors import SightlineError
from sightline.settings import Settings
from sightline.settings_sources import variable

ROOT = Path(__file__).parents[3]

COMMANDS = (
    "demo",
    "run",
    "up",
    "down",
    "status",
    "query",
    "audit",
    "doctor",
    "produce",
    "infer",
    "track",
    "write",
)


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("SIGHTLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_help_names_every_command(capsys):
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for name in (*COMMANDS, "config", "topics", "models", "cameras", "dead-letters", "bench"):
        assert name in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name, capsys):
    assert run([name, "--help"]) == 0
    assert len(capsys.readouterr().out) > 100


def test_the_version_is_the_packages(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"sightline {importlib.metadata.version('sightline')}\n"


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["run"], ["demo", "--seconds", "soon"], ["--nonsense"]]
)
def test_a_wrong_command_line_exits_with_2(arguments):
    assert run(arguments) == 2


def test_an_expected_problem_is_two_lines_and_exits_with_1(capsys):
    assert run(["status", "--data", "nowhere"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["Error: Nothing runs in nowhere.", "       Start it with `sightline up`."]


def test_neither_an_error_nor_a_log_line_tells_a_password(capsys):
    say_error(SightlineError("no rtsp://u:S3cr3T@cam/1", "try http://cam/?token=S3cr3T"))
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        log_to_stderr(Settings())
        logging.getLogger("some.library").warning("lost %s", "rtsp://u:S3cr3T@cam/1")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    said = capsys.readouterr().err
    assert "S3cr3T" not in said
    assert "Error: no rtsp://***@cam/1\n       try http://cam/?token=***\n" in said
    assert "WARNING some.library: lost rtsp://***@cam/1\n" in said


def test_what_nobody_expected_is_told_without_a_password():
    code = (
        "import sys, threading, sightline.cli as cli, sightline.cli.app as app\n"
        "def fail(*_): raise ValueError('rtsp://u:S3cr3T@cam/1')\n"
        "def both(_):\n"
        "    thread = threading.Thread(target=fail); thread.start(); thread.join(); fail()\n"
        "app.run = both\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.count("ValueError: rtsp://***@cam/1") == 2
    assert "Exception in thread Thread-" in done.stderr
    # The line of the program itself is quoted by Python where it has the file; a literal is no case of ours.
    assert "S3cr3T" not in done.stderr


def test_brackets_in_an_error_are_not_taken_for_markup(capsys):
    say_error(SightlineError("bad [red] thing", "[bold]try[/]"))
    assert capsys.readouterr().err == "Error: bad [red] thing\n       [bold]try[/]\n"


def test_a_misspelt_variable_is_an_error_in_every_command(monkeypatch, capsys):
    monkeypatch.setenv("SIGHTLINE_KAFKA_PARTITON", "3")
    assert run(["status"]) == 1
    assert "Did you mean SIGHTLINE_KAFKA_PARTITIONS" in capsys.readouterr().err


def test_set_overrides_the_environment_and_the_commands_own_option_overrides_set(monkeypatch, capsys):
    monkeypatch.setenv(variable("data.dir"), "from-environment")
    assert run(["--set", "data.dir=from-set", "status"]) == 1
    assert "from-set" in capsys.readouterr().err
    assert run(["--set", "data.dir=from-set", "status", "--data", "from-option"]) == 1
    assert "from-option" in capsys.readouterr().err


@pytest.mark.parametrize("pair", ["kafka.heap_mb", "heap=3", "=", ""])
def test_a_setting_without_key_or_value_is_refused(pair):
    with pytest.raises(SightlineError, match=r"section\.key=value"):
        parse_values([pair])


def test_config_check_tells_value_and_origin(monkeypatch, capsys):
    monkeypatch.setenv("SIGHTLINE_KAFKA_HEAP_MB", "300")
    assert run(["config", "check"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("kafka.heap_mb"))
    assert "300" in line
    assert "SIGHTLINE_KAFKA_HEAP_MB" in line


def test_a_stage_without_a_broker_says_which_setting_is_missing(capsys):
    assert run(["track"]) == 1
    assert "kafka.bootstrap" in capsys.readouterr().err


def test_building_the_command_line_twice_gives_the_same_commands():
    names = [[command.name for command in build().registered_commands] for _ in range(2)]
    assert names[0] == names[1]


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604_800)])
def test_a_time_span_has_a_number_and_a_unit(text, seconds):
    assert parse_age_s(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "30", "-3m", "1.5h", "soon"])
def test_what_is_no_time_span_is_refused(text):
    with pytest.raises(SightlineError, match="no time span"):
        parse_age_s(text)

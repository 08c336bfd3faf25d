"""What doctor and the start of the system look at, by the settings; the start says it all at once."""

import sys
import types
from pathlib import Path

import pytest

from sightline.cli import stack_commands
from sightline.cli.app import run
from sightline.settings import Settings
from sightline.stack import checks
from sightline.stack.checks import examine, examine_machine, pending
from sightline.stack.machine import Finding, Verdict

LACKS = [
    Finding("platform", Verdict.BAD, "This is a toaster.", "Take a computer."),
    Finding("memory", Verdict.BAD, "It forgets.", "Remember."),
]


def settings(folder: Path, **sections: dict[str, object]) -> Settings:
    return Settings.model_validate(
        {"cache": {"dir": folder / "cache"}, "data": {"dir": folder / "data"}, **sections}
    )


@pytest.fixture
def toaster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "for_triton", lambda: LACKS)


def subjects(found: list[Finding]) -> str:
    return " ".join(finding.subject for finding in found)


def test_a_new_cache_has_everything_pending_and_servers_elsewhere_have_nothing(tmp_path: Path) -> None:
    own = pending(settings(tmp_path), {})
    assert (own.kafka, own.triton) == (True, True)
    assert not pending(settings(tmp_path), {}, triton=False).triton
    named = settings(tmp_path, kafka={"bootstrap": "kafka:9092"}, triton={"url": "triton:8001"})
    assert (pending(named, {}).kafka, pending(named, {}).triton) == (False, False)
    assert not pending(settings(tmp_path, kafka={"home": tmp_path}), {}).kafka


@pytest.mark.usefixtures("toaster")
def test_room_is_asked_for_what_is_not_installed_yet(tmp_path: Path) -> None:
    found = subjects(list(examine_machine(settings(tmp_path), {})))
    assert "platform" in found
    for what in ("the data folder", "Kafka's install", "Triton's install"):
        assert what in found
    elsewhere = settings(tmp_path, triton={"url": "triton:8001"})
    found = subjects(list(examine_machine(elsewhere, {})))
    assert "platform" not in found
    assert "Triton" not in found
    assert "platform" not in subjects(list(examine_machine(settings(tmp_path), {}, triton=False)))


def test_a_library_that_is_imported_is_there_even_without_a_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("lazy_library")
    assert module.__spec__ is None
    monkeypatch.setitem(sys.modules, "lazy_library", module)
    found = checks._libraries("libraries", ("lazy_library", "no_such_library"), "Install it.")
    assert (found.said, found.fix) == ("no_such_library not installed.", "Run: Install it.")


@pytest.mark.usefixtures("toaster")
def test_doctor_looks_at_python_and_asks_where_downloads_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(jar: object, url: str | None) -> Finding:
        asked.append(f"{jar} {url}")
        return Finding("Maven repository", Verdict.GOOD, "yes")

    monkeypatch.setattr(checks, "check_maven", answer)
    monkeypatch.setattr(checks, "check_packages", lambda: Finding("index", Verdict.GOOD, "yes"))
    found = subjects(list(examine(settings(tmp_path, cache={"dir": tmp_path, "maven_url": "here"}), {})))
    assert found.startswith("Python virtual environments libraries")
    assert "Maven repository index" in found
    assert asked == ["org.bytedeco:cpython:3.12.1-1.5.10:linux-x86_64 here"]


@pytest.mark.usefixtures("toaster")
@pytest.mark.parametrize("command", [["demo", "--data"], ["up", "--data"], ["up", "--detach", "--data"]])
def test_the_start_says_all_that_is_missing_before_anything_is_made(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGHTLINE_CACHE_DIR", str(tmp_path / "cache"))
    assert run([*command, str(tmp_path / "data")]) == 1
    said = capsys.readouterr().err
    assert "This machine lacks 2 things:" in said
    for finding in LACKS:
        assert finding.said in said
        assert finding.fix in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("toaster")
def test_cameras_that_detect_for_themselves_need_no_triton_here(tmp_path: Path) -> None:
    stack_commands._demand_machine(settings(tmp_path), tmp_path / "data", triton=False)

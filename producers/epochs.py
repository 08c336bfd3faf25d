"""The number of a stream's start, which rises with each start whatever the clock does."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.fields import MAX_INT
from sightline.errors import SightlineError


def next_epoch(file: Path, now_s: int, least: int = 0) -> int:
    """Take the next epoch: the clock, or one more than the last where that is higher.

    The file holds it before this returns, so that a crash afterwards cannot make it come twice.

    Args:
        file: Where the stream's last epoch is kept; made if it is missing, as is its folder.
        now_s: Unix seconds now.
        least: It is no lower than this, such as one more than another gateway's.

    Raises:
        SightlineError: The file is damaged or cannot be written, or no higher epoch is left.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        epoch = max(_last(file) + 1, now_s, least)
        if epoch > MAX_INT:
            raise SightlineError(
                f"The stream {file.stem} has had the epoch {MAX_INT}, and there is none above it.",
                "Give the stream another id.",
            )
        _replace(file, f"{epoch}\n")
    except OSError as error:
        raise SightlineError(
            f"The state file {file} cannot be read or written: {error.strerror}.",
            "Give the gateway a folder that it may write to, on a disk that is not full.",
        ) from error
    return epoch


@contextmanager
def only_reader(file: Path) -> Iterator[None]:
    """Keep a second gateway from capturing the same stream into the same state folder.

    Raises:
        SightlineError: Another process holds it, or the file cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise SightlineError(
            f"The lock file {file} cannot be written: {error.strerror}.",
            "Give the gateway a folder that it may write to.",
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SightlineError(
                f"The stream {file.stem} is captured by another gateway already (lock {file}).",
                "Stop that one first, or give this stream another id.",
            ) from error
        yield
    finally:
        os.close(handle)


def _last(file: Path) -> int:
    try:
        text = file.read_bytes().decode("ascii", errors="replace").strip()
    except FileNotFoundError:
        return 0
    if not (len(text) < 20 and text.isascii() and text.isdigit() and int(text) <= MAX_INT):
        # A guess could lie below the last epoch, and then the whole run would be taken for old frames.
        raise SightlineError(
            f"The state file {file} is damaged: it holds {text[:40]!r}, not an epoch.",
            "Delete it if this machine's clock is right.",
        )
    return int(text)


def _replace(file: Path, text: str) -> None:
    fresh = file.with_name(file.name + ".new")
    with fresh.open("w", encoding="ascii") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    fresh.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

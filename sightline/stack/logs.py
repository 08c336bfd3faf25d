"""Log files of child processes: their last lines, the lines that tell why, and a bound on their size."""

import contextlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

_TAIL_BYTES = 256 * 1024
_LINE_CHARS = 400
_TRACE_LINE = re.compile(r"^\s+at [\w.$/<>]+\(|^\s+\.\.\. \d+ more")


def tail(path: Path, lines: int = 20, start: int = 0) -> list[str]:
    """Return the last lines of a log, none if there is no such file.

    Args:
        path: The log file; bytes that are not UTF-8 are replaced.
        lines: At most so many lines; each is cut at 400 characters.
        start: Look only behind this byte, for example where the current run began.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(start if start <= size else 0, size - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line[:_LINE_CHARS] for line in text.splitlines() if line.strip()][-lines:]


def telling_lines(log: Sequence[str], patterns: Sequence[str], most: int = 6) -> list[str]:
    """Return the lines of a log that say why a program failed, in their order.

    Args:
        log: Lines, oldest first.
        patterns: Regular expressions, the most telling first; the first with a hit decides.
        most: At most so many lines, the last ones. Without any hit: the last lines of the log as they are.
    """
    told = [line for line in log if not _TRACE_LINE.match(line)]
    for pattern in patterns:
        hits = list(dict.fromkeys(line.strip() for line in told if re.search(pattern, line)))
        if hits:
            return hits[-most:]
    return [line.strip() for line in told[-most:]]


def bound(path: Path, max_bytes: int) -> bool:
    """Keep a log that a running process appends to from filling the disk.

    When it has grown over the bound, the newer half of so many bytes is copied to `NAME.1` and the file
    emptied. Whoever writes to it must have opened it for appending.

    Returns:
        Whether the file was cut.
    """
    with contextlib.suppress(OSError):
        if path.stat().st_size <= max_bytes:
            return False
        with path.open("r+b") as file:
            file.seek(-max_bytes // 2, os.SEEK_END)
            path.with_name(path.name + ".1").write_bytes(file.read())
            file.truncate(0)
        return True
    return False

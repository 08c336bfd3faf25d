"""The command `sightline`. A command is a thin edge: it reads settings, calls one function, prints."""

import io
import os
import sys
import threading
from types import TracebackType

from sightline.proxies import loopback_is_direct
from sightline.redaction import scrubbed_traceback

STOPPED_BY_USER = 130


def main() -> None:
    """Run the command line and exit. Whatever goes wrong, no password in an address is told."""
    sys.excepthook = _tell
    threading.excepthook = _tell_of_thread
    os.environ.update(loopback_is_direct(os.environ))
    for stream in (sys.stdout, sys.stderr):
        # A terminal of few letters, or a file's name that is no text, must not end a command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        from sightline.cli.app import run  # loads much, and may fail or be stopped, too

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(STOPPED_BY_USER)


def _tell(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    sys.stderr.write(scrubbed_traceback(kind, error, trace))


def _tell_of_thread(caught: threading.ExceptHookArgs) -> None:
    name = caught.thread.name if caught.thread is not None else "unknown"
    sys.stderr.write(f"Exception in thread {name}:\n")
    _tell(caught.exc_type, caught.exc_value, caught.exc_traceback)

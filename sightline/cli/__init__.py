"""The command `sightline`. A command is a thin edge: it reads settings, calls one function, prints."""

import sys
import threading
from types import TracebackType

from sightline.redaction import scrubbed_traceback


def main() -> None:
    """Run the command line and exit. Whatever goes wrong, no password in an address is told."""
    sys.excepthook = _tell
    threading.excepthook = _tell_of_thread
    from sightline.cli.app import run  # loads much, and may fail, too

    sys.exit(run(sys.argv[1:]))


def _tell(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    sys.stderr.write(scrubbed_traceback(kind, error, trace))


def _tell_of_thread(caught: threading.ExceptHookArgs) -> None:
    name = caught.thread.name if caught.thread is not None else "unknown"
    sys.stderr.write(f"Exception in thread {name}:\n")
    _tell(caught.exc_type, caught.exc_value, caught.exc_traceback)

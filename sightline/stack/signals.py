"""Ctrl-C and SIGTERM for a command that has children to stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does, so that `finally` blocks run.

    In the main thread only.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Patience:
    """Holds Ctrl-C, SIGTERM and SIGHUP back while a stack is stopped; a signal then means: hurry.

    `with Patience() as patience: supervisor.stop(hurry=patience.is_over)`. In the main thread only.
    """

    def __init__(self) -> None:
        """Nothing is held back before the `with`."""
        self._over = threading.Event()
        self._before: dict[signal.Signals, object] = {}

    def is_over(self) -> bool:
        """Tell whether a signal has come since the `with` began."""
        return self._over.is_set()

    def __enter__(self) -> "Patience":
        for number in _ENDING:
            self._before[number] = signal.signal(number, self._hurry)
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # typeshed's handler type is private

    def _hurry(self, _number: int, _frame: FrameType | None) -> None:
        self._over.set()

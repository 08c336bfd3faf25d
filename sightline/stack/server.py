"""What our servers have in common: one child process on ports of its own, watched until it answers."""

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from sightline.errors import SightlineError
from sightline.stack.cache import Progress
from sightline.stack.logs import telling_lines
from sightline.stack.processes import Child, ProcessSpec

PORT_TAKEN = r"[Aa]lready in use|BindException"
STOP_TIMEOUT_S = 15.0
LAST_GROUP = 9
"""The group of servers: they are stopped after everything that uses them."""

_STARTS = 3
_POLL_S = 0.05
_LOG_LINES = 400


class PortTakenError(SightlineError):
    """A server ended because another program had taken its port."""


class Server(ABC):
    """A server as a child process; also a `Service` that a supervisor can watch over.

    `prepare` (slow the first time, from any thread), `start` (at once, main thread only), `wait_ready`; or
    all three by `with`. After `kill` or `stop` it can be started again, on the same ports unless somebody
    took them meanwhile. Not for two threads at a time.
    """

    group = LAST_GROUP
    restart = True
    stop_timeout_s = STOP_TIMEOUT_S

    def __init__(self, name: str, log_path: Path, telling: Sequence[str], progress: Progress) -> None:
        """Take the name, the log file, and patterns of the log lines that say why it failed."""
        self.name = name
        self.log_path = log_path
        self._telling = tuple(telling)
        self._progress = progress
        self._child: Child | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Install what is missing, make folders; SightlineError if that fails. May run in any thread."""

    @abstractmethod
    def _spec(self) -> ProcessSpec:
        """Choose ports and return the process to start."""

    @abstractmethod
    def _probe(self) -> AbstractContextManager[Callable[[], bool]]:
        """Return a client that tells whether the server serves."""

    def _clean(self) -> None:
        """Remove what a process that ended may have left; called when none runs."""
        return

    @property
    def pid(self) -> int:
        """The process id of the last start; RuntimeError before the first."""
        return self._started().pid

    def exit_code(self) -> int | None:
        """Return how the server ended (negative: by that signal), None while it runs."""
        return self._started().poll()

    def last_lines(self, lines: int = 20) -> list[str]:
        """Return the end of the log of the last start."""
        return self._started().last_lines(lines)

    def start(self) -> None:
        """Start the server and return at once; does nothing while it runs. The main thread must call it.

        Raises:
            SightlineError: As `prepare`, or no port is free.
        """
        if self._child is not None and self._child.poll() is None:
            return
        self.prepare()
        self._clean()
        self._progress(f"Starting {self.name}")
        self._child = Child(self._spec())

    def wait_ready(self, timeout_s: float = 120.0) -> None:
        """Wait until the server serves clients, not only until its port is open.

        If another program took a port meanwhile, the server is started again on other ports.

        Raises:
            SightlineError: The server ended (the message quotes its log) or is not ready in time.
        """
        until_s = time.monotonic() + timeout_s
        for starts_left in reversed(range(_STARTS)):
            try:
                with self._probe() as is_ready:
                    self._wait(self._started(), is_ready, until_s, timeout_s)
            except PortTakenError:
                if not starts_left:
                    raise
                self.start()
            else:
                return

    def terminate(self) -> None:
        """Ask the server to end and return at once."""
        if self._child is not None:
            self._child.terminate()

    def stop(self) -> None:
        """End the server in good order, by force if it takes too long; nothing if it does not run."""
        if self._child is not None:
            self._child.stop()
            self._clean()

    def kill(self) -> None:
        """End the server's whole process group at once, as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._clean()

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _started(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._child

    def _wait(self, child: Child, is_ready: Callable[[], bool], until_s: float, timeout_s: float) -> None:
        while True:
            if child.poll() is not None:
                raise self._failure(child)
            if is_ready():
                return
            if time.monotonic() >= until_s:
                raise SightlineError(
                    f"{self.name} was not ready after {timeout_s:.0f} s. {self._quote(child)}",
                    f"Look into {child.spec.log_path}; on a busy machine try again with a longer time.",
                )
            time.sleep(_POLL_S)

    def _failure(self, child: Child) -> SightlineError:
        what = f"{self.name} ended while starting (exit code {child.poll()}). {self._quote(child)}"
        taken = any(re.search(PORT_TAKEN, line) for line in child.last_lines(_LOG_LINES))
        kind = PortTakenError if taken else SightlineError
        return kind(what, f"The whole log is in {child.spec.log_path}.")

    def _quote(self, child: Child) -> str:
        lines = telling_lines(child.last_lines(_LOG_LINES), self._telling)
        return "Its log says: " + " | ".join(lines) if lines else "Its log is empty."

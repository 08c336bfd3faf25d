"""Child processes: each in a session of its own, on a leash, with its output in a log file."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import SightlineError
from sightline.stack import leash
from sightline.stack.logs import bound, tail

LOG_BYTES = 16 * 1024 * 1024
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run, and how.

    Attributes:
        name: Unique among the processes of a stack, for example `kafka` or `track-1`.
        argv: Program and arguments.
        env: The whole environment of the process.
        log_path: Where its standard output and error go, appended.
        cwd: Its working folder; ours if None.
        restart: Whether a supervisor starts it again when it ends with an error.
        stop_timeout_s: How long it may take to end after SIGTERM.
        group: Those of a lower group are stopped first: producers before workers before servers.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    log_path: Path
    cwd: Path | None = None
    restart: bool = True
    stop_timeout_s: float = 10.0
    group: int = 0


class Child:
    """One run of a `ProcessSpec`; it ends when our process ends, however that happens (on Linux)."""

    def __init__(self, spec: ProcessSpec) -> None:
        """Start the process. Call it from the main thread only.

        Raises:
            SightlineError: The log file cannot be written.
            RuntimeError: Called from another thread: Linux ends a leashed child together with the *thread*
                that started it.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("start child processes from the main thread: they die with the thread")
        self.spec = spec
        try:
            spec.log_path.parent.mkdir(parents=True, exist_ok=True)
            with spec.log_path.open("ab") as log:
                self.log_start = log.tell()
                self._popen = subprocess.Popen(
                    leashed(spec.argv),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=dict(spec.env),
                    cwd=spec.cwd,
                    start_new_session=True,
                )
        except OSError as error:
            raise SightlineError(
                f"Cannot start {spec.name} with its log in {spec.log_path}: {error.strerror or error}.",
                "Make room or make the folder writable.",
            ) from error

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
        return self._popen.pid

    def poll(self) -> int | None:
        """Return the exit code (negative: the signal), or None while it runs; keeps the log in its bound.

        What a dead process left in its group is ended.
        """
        if self._popen.returncode is None:
            if self._has_ended():
                self._signal_group(signal.SIGKILL)
                self._popen.wait()
            elif bound(self.spec.log_path, LOG_BYTES):
                self.log_start = 0
        return self._popen.returncode

    def wait(self, timeout_s: float) -> int | None:
        """Wait until it has ended; the exit code, or None if it still runs after the time."""
        until = time.monotonic() + timeout_s
        while (code := self.poll()) is None and time.monotonic() < until:
            time.sleep(_POLL_S)
        return code

    def terminate(self) -> None:
        """Ask it to end; returns at once."""
        if self.poll() is None:
            self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the whole process group without asking, and wait for it."""
        if self._popen.returncode is None:
            self._signal_group(signal.SIGKILL)
            self._popen.wait()

    def stop(self) -> int:
        """Ask it to end, wait for `stop_timeout_s`, then end it; its exit code."""
        self.terminate()
        if self.wait(self.spec.stop_timeout_s) is None:
            self.kill()
        code = self._popen.returncode
        assert code is not None  # both branches have waited
        return code

    def last_lines(self, lines: int = 20) -> list[str]:
        """Return the last lines that this run wrote to its log."""
        return tail(self.spec.log_path, lines, self.log_start)

    def _has_ended(self) -> bool:
        # WNOWAIT keeps the dead leader in the table, so its group's id cannot be another's when we signal.
        if not hasattr(os, "waitid"):
            return self._popen.poll() is not None
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def leashed(argv: Sequence[str]) -> list[str]:
    """Return the command that runs `argv` and gets SIGTERM when our process dies."""
    shim = [sys.executable, "-I", "-S", leash.__file__]
    return [*shim, str(os.getpid()), str(int(signal.SIGTERM)), *argv]

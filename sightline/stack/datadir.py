"""The data folder of a local stack: one owner at a time, and a file that tells what runs in it."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psutil

from sightline.errors import SightlineError
from sightline.stack.cache import Progress, silent
from sightline.stack.files import write_atomically

STATE_FILE = "stack.json"
LOCK_FILE = "stack.lock"
LEAST_FREE_BYTES = 1 << 30
_CLAIM_S = 1.0
_LEFTOVER_S = 20.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class RunningStage:
    """A process of the stack, servers included.

    Attributes:
        name: As in the supervisor, for example `kafka` or `track-1`.
        pid: Its process id.
        state: As in the supervisor, for example `running`.
        restarts: How often it was started again.
        started_at_s: When the process started (Unix seconds), so that a reused pid is not taken for it;
            None if it has ended.
    """

    name: str
    pid: int
    state: str = "running"
    restarts: int = 0
    started_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class StackState:
    """What `stack.json` says of a stack that runs.

    Attributes:
        pid: The command that owns the folder.
        stages: Its processes.
        kafka: `bootstrap`.
        triton: `url` (gRPC), and more if there is more.
        clickhouse: `http_port`, and more if there is more.
        ready: Whether all that was asked for has started.
    """

    pid: int
    stages: tuple[RunningStage, ...] = ()
    kafka: Mapping[str, str | int] = field(default_factory=dict)
    triton: Mapping[str, str | int] = field(default_factory=dict)
    clickhouse: Mapping[str, str | int] = field(default_factory=dict)
    ready: bool = False

    def to_json(self) -> str:
        """Return the text of `stack.json`."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the text of `stack.json`; ValueError if it is not one."""
        try:
            data: dict[str, Any] = json.loads(text)
            stages = tuple(RunningStage(**stage) for stage in data.pop("stages"))
            return cls(stages=stages, **data)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a {STATE_FILE}: {error}") from error


class DataDir:
    """The folder, owned by this process between `with DataDir(path) as data:` and its end."""

    def __init__(self, path: Path, progress: Progress = silent) -> None:
        """Name the folder; nothing happens yet."""
        self.path = path.absolute()
        self._progress = progress
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        """Make the folder, own it, and end what a stack that died may have left running in it.

        Raises:
            SightlineError: Another process owns it, it cannot be written, or the disk is almost full.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            check_disk(self.path)
            self._lock = _acquire(self.path)
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else error
            raise SightlineError(
                f"Cannot use the data folder {self.path}: {said}.",
                "Make it writable, or name another one with --data.",
            ) from error
        left = _read_state(self.path)
        if left is not None:
            _end_leftovers(left, self._progress)
            self.clear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the folder up; what was written about the stack is removed."""
        self.clear()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def write(self, state: StackState) -> None:
        """Tell what runs now; readers see the old text or the new."""
        write_atomically(self.path / STATE_FILE, state.to_json())

    def clear(self) -> None:
        """Tell that nothing runs any more."""
        with contextlib.suppress(OSError):
            (self.path / STATE_FILE).unlink()


def running_stage(name: str, pid: int, state: str = "running", restarts: int = 0) -> RunningStage:
    """Return a `RunningStage` with the start time of the process filled in."""
    started_at_s: float | None = None
    with contextlib.suppress(psutil.Error):
        started_at_s = psutil.Process(pid).create_time()
    return RunningStage(name, pid, state, restarts, started_at_s)


def read_stack(path: Path) -> StackState | None:
    """Return what runs in a data folder; None if nothing does, also when a dead stack left its file."""
    state = _read_state(path)
    return state if state is not None and _is_held(path) else None


def check_disk(path: Path, least_bytes: int = LEAST_FREE_BYTES) -> None:
    """Check that the disk of a folder, which need not exist yet, has room.

    Raises:
        SightlineError: Less than `least_bytes` are free.
    """
    existing = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
    free = shutil.disk_usage(existing).free
    if free < least_bytes:
        raise SightlineError(
            f"Only {free >> 20} MiB are free on the disk of {path}; {least_bytes >> 20} MiB are needed.",
            "Make room, or name a data folder on another disk with --data.",
        )


def _acquire(path: Path) -> IO[str]:
    """Own the folder's lock; its file holds our pid."""
    # Appending neither empties the file of another owner nor needs it to exist.
    lock = (path / LOCK_FILE).open("a+", encoding="ascii")
    until = time.monotonic() + _CLAIM_S
    while not _try_lock(lock, fcntl.LOCK_EX):
        # A reader takes the lock for an instant to see whether it is held.
        if time.monotonic() >= until:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise SightlineError(
                f"The data folder {path} is in use by the process {owner}.",
                "Stop that one (Ctrl-C, or `kill` it), or name another folder with --data.",
            )
        time.sleep(_POLL_S)
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _is_held(path: Path) -> bool:
    try:
        with (path / LOCK_FILE).open(encoding="ascii") as lock:
            return not _try_lock(lock, fcntl.LOCK_SH)
    except OSError:
        return False


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_state(path: Path) -> StackState | None:
    try:
        return StackState.from_json((path / STATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _end_leftovers(state: StackState, progress: Progress) -> None:
    """Wait for the processes of a stack that died, which end by themselves on Linux, then end them."""
    left = _still_running(state.stages)
    if left:
        progress(f"Waiting for {len(left)} processes of a stack that died")
    until = time.monotonic() + _LEFTOVER_S
    while left and time.monotonic() < until:
        time.sleep(_POLL_S)
        left = [each for each in left if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    for each in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(each.pid, signal.SIGKILL)  # each leads a group of its own


def _still_running(stages: Sequence[RunningStage]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for stage in stages:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(stage.pid)
            if stage.started_at_s is not None and abs(process.create_time() - stage.started_at_s) < 1.0:
                found.append(process)
    return found

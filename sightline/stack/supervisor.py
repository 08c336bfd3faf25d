"""Watches over the processes of a stack: restarts what crashes, gives up what keeps crashing, stops in order.

Nothing runs by itself: the command's loop calls `poll`, from the main thread.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from sightline.ending import SUPERSEDED_EXIT
from sightline.errors import SightlineError
from sightline.stack.backoff import CrashHistory, RestartPolicy, after_crash
from sightline.stack.processes import Child, ProcessSpec

_POLL_S = 0.02
_QUOTED_LINES = 12


class Service(Protocol):
    """What can be supervised: `ChildService`, `LocalKafka`, `LocalTriton`."""

    @property
    def name(self) -> str:
        """Unique in the stack."""

    @property
    def group(self) -> int:
        """Services of a lower group are stopped first."""

    @property
    def restart(self) -> bool:
        """Whether it is started again after a crash."""

    @property
    def stop_timeout_s(self) -> float:
        """How long it may take to end when asked to."""

    @property
    def pid(self) -> int:
        """The process id of the last start."""

    def start(self) -> None:
        """Start it and return at once; nothing if it runs."""

    def exit_code(self) -> int | None:
        """How it ended, None while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it and whatever it started."""

    def last_lines(self, lines: int) -> list[str]:
        """The end of the log of its last run."""


class ChildService:
    """A `Service` made of a `ProcessSpec`, for the stages."""

    def __init__(self, spec: ProcessSpec) -> None:
        """Name the process; it is not started."""
        self.spec = spec
        self.name = spec.name
        self.group = spec.group
        self.restart = spec.restart
        self.stop_timeout_s = spec.stop_timeout_s
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """The process id of the last start."""
        return self._started().pid

    def start(self) -> None:
        """Start the process, if it does not run."""
        if self._child is None or self._child.poll() is not None:
            self._child = Child(self.spec)

    def exit_code(self) -> int | None:
        """How it ended (negative: by that signal), None while it runs."""
        return self._started().poll()

    def terminate(self) -> None:
        """Ask it to end."""
        self._started().terminate()

    def kill(self) -> None:
        """End its process group."""
        self._started().kill()

    def last_lines(self, lines: int) -> list[str]:
        """The end of the log of its last run."""
        return self._started().last_lines(lines)

    def _started(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._child


class State(StrEnum):
    """What a supervised process is doing."""

    RUNNING = "running"
    WAITING = "waiting"  # crashed, and will be started again
    FINISHED = "finished"  # ended by itself with exit code 0
    FAILED = "failed"  # crashed, and is given up
    STOPPED = "stopped"  # ended because we asked


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One process in `Supervisor.snapshot`; `exit_code` is that of its last end, None if it never ended."""

    name: str
    pid: int
    state: State
    restarts: int
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that `Supervisor.poll` saw: which process, its new state, and a sentence about it."""

    name: str
    state: State
    sentence: str


@dataclass(slots=True)
class _Entry:
    service: Service
    state: State = State.RUNNING
    restarts: int = 0
    exit_code: int | None = None
    restart_at_s: float = 0.0
    history: CrashHistory = field(default_factory=CrashHistory)


class Supervisor:
    """The processes of one stack, by name, in the order in which they were added."""

    def __init__(
        self, policy: RestartPolicy | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the rules for restarts, and a monotonic clock in seconds."""
        self._policy = policy or RestartPolicy()
        self._clock = clock
        self._entries: dict[str, _Entry] = {}

    def add(self, service: Service) -> None:
        """Start a service (if it does not run yet) and watch it.

        Raises:
            SightlineError: It cannot be started.
            ValueError: A service of this name is watched already.
        """
        if service.name in self._entries:
            raise ValueError(f"{service.name} is supervised already")
        service.start()
        self._entries[service.name] = _Entry(service)

    def poll(self) -> list[Event]:
        """See what ended, start again what is due; call it a few times a second."""
        events: list[Event] = []
        for entry in self._entries.values():
            event = self._poll_one(entry)
            if event is not None:
                events.append(event)
        return events

    def snapshot(self) -> list[ProcessStatus]:
        """Return how each process is doing, as of the last `poll`."""
        return [
            ProcessStatus(name, entry.service.pid, entry.state, entry.restarts, entry.exit_code)
            for name, entry in self._entries.items()
        ]

    def state(self, name: str) -> State:
        """Return the state of one process, as of the last `poll`; KeyError for a stranger."""
        return self._entries[name].state

    def failure(self) -> SightlineError | None:
        """Return why the first process that was given up failed, with the end of its log, or None."""
        for name, entry in self._entries.items():
            if entry.state is State.FAILED:
                lines = entry.service.last_lines(_QUOTED_LINES)
                said = "\n  ".join(["The end of its log:", *lines]) if lines else "Its log is empty."
                return SightlineError(f"{name} failed: {_ended(entry)}, {_starts(entry)}. {said}")
        return None

    def stop(self, names: Iterable[str] | None = None, hurry: Callable[[], bool] = lambda: False) -> None:
        """Stop processes: group by group from the lowest, those of one group at the same time.

        Each is asked to end, has its `stop_timeout_s`, and is then ended with all that it started.

        Args:
            names: Which; all if None.
            hurry: Asked again and again; once it says true, nothing is waited for any more.
        """
        chosen = self._entries if names is None else {name: self._entries[name] for name in names}
        for group in sorted({entry.service.group for entry in chosen.values()}):
            self._stop_group([each for each in chosen.values() if each.service.group == group], hurry)

    def _stop_group(self, entries: list[_Entry], hurry: Callable[[], bool]) -> None:
        running = [entry for entry in entries if entry.service.exit_code() is None]
        asked_at_s = self._clock()
        for entry in running:
            entry.service.terminate()
        for entry in running:
            until_s = asked_at_s + entry.service.stop_timeout_s
            while entry.service.exit_code() is None and self._clock() < until_s and not hurry():
                time.sleep(_POLL_S)
            entry.service.kill()
        for entry in entries:
            if entry in running or entry.state is State.WAITING:
                entry.state = State.STOPPED
                entry.exit_code = entry.service.exit_code()

    def _poll_one(self, entry: _Entry) -> Event | None:
        if entry.state is State.RUNNING and entry.service.exit_code() is not None:
            return self._ended(entry)
        if entry.state is State.WAITING and self._clock() >= entry.restart_at_s:
            return self._start_again(entry)
        return None

    def _start_again(self, entry: _Entry) -> Event:
        entry.restarts += 1
        try:
            entry.service.start()
        except SightlineError as error:
            return self._crashed(entry, f"cannot be started again: {error}")
        entry.state = State.RUNNING
        return Event(entry.service.name, entry.state, f"{entry.service.name} started again")

    def _ended(self, entry: _Entry) -> Event:
        entry.exit_code = entry.service.exit_code()
        if entry.exit_code == 0:
            entry.state = State.FINISHED
            return Event(entry.service.name, entry.state, f"{entry.service.name} finished")
        if entry.exit_code == SUPERSEDED_EXIT:
            entry.state = State.FAILED
            name = entry.service.name
            return Event(name, entry.state, f"{name} ended, as another gateway has taken its stream over")
        return self._crashed(entry, _ended(entry))

    def _crashed(self, entry: _Entry, how: str) -> Event:
        name, now_s = entry.service.name, self._clock()
        entry.history, restart_at_s = after_crash(self._policy, entry.history, now_s)
        if restart_at_s is None or not entry.service.restart:
            entry.state = State.FAILED
            return Event(name, entry.state, f"{name} {how} and is given up")
        entry.state, entry.restart_at_s = State.WAITING, restart_at_s
        return Event(name, entry.state, f"{name} {how}; starting it again in {restart_at_s - now_s:.1f} s")


def _ended(entry: _Entry) -> str:
    code = entry.exit_code
    return f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"


def _starts(entry: _Entry) -> str:
    crashes = len(entry.history.crashes_s)
    return f"{crashes} times within a short time" if crashes > 1 else "and is not started again"

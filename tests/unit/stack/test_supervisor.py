"""The supervisor's decisions, with services and a clock that the test moves."""

from dataclasses import dataclass, field

import pytest

from sightline.ending import SUPERSEDED_EXIT
from sightline.errors import SightlineError
from sightline.stack.backoff import RestartPolicy
from sightline.stack.supervisor import State, Supervisor

POLICY = RestartPolicy(first_delay_s=1.0, factor=2.0, longest_delay_s=8.0, max_crashes=3, window_s=60.0)


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        self.now_s += 0.001
        return self.now_s


@dataclass
class FakeService:
    name: str
    journal: list[str]
    group: int = 0
    restart: bool = True
    stop_timeout_s: float = 1.0
    deaf: bool = False
    startable: bool = True
    starts: int = 0
    code: int | None = None
    log: list[str] = field(default_factory=list)

    @property
    def pid(self) -> int:
        return 1000 + self.starts

    def start(self) -> None:
        if not self.startable:
            raise SightlineError("No room.")
        self.starts += 1
        self.code = None

    def exit_code(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.journal.append(f"terminate {self.name}")
        if not self.deaf:
            self.code = -15

    def kill(self) -> None:
        if self.code is None:
            self.journal.append(f"kill {self.name}")
            self.code = -9

    def last_lines(self, lines: int) -> list[str]:
        return self.log[-lines:]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def supervisor(clock: Clock) -> Supervisor:
    return Supervisor(POLICY, clock)


def crash(supervisor: Supervisor, service: FakeService, code: int = 1) -> list[State]:
    service.code = code
    return [event.state for event in supervisor.poll()]


def test_a_crashed_process_is_started_again_after_its_wait(supervisor: Supervisor, clock: Clock) -> None:
    service = FakeService("track", [])
    supervisor.add(service)
    assert supervisor.poll() == []
    assert crash(supervisor, service) == [State.WAITING]
    clock.now_s += 0.5
    assert supervisor.poll() == []
    assert service.starts == 1
    clock.now_s += 0.6
    assert [event.state for event in supervisor.poll()] == [State.RUNNING]
    (status,) = supervisor.snapshot()
    assert (status.name, status.pid, status.state, status.restarts, status.exit_code) == (
        "track",
        1002,
        State.RUNNING,
        1,
        1,
    )


def test_a_gateway_whose_stream_another_one_has_taken_over_does_not_take_it_back(
    supervisor: Supervisor, clock: Clock
) -> None:
    service = FakeService("camera-gate", [])
    supervisor.add(service)
    assert crash(supervisor, service, SUPERSEDED_EXIT) == [State.FAILED]
    clock.now_s += 1000
    assert supervisor.poll() == []
    assert service.starts == 1


def test_a_process_that_keeps_crashing_is_given_up_and_its_log_quoted(
    supervisor: Supervisor, clock: Clock
) -> None:
    service = FakeService("track", [], log=["boom: no such model"])
    supervisor.add(service)
    assert crash(supervisor, service) == [State.WAITING]
    clock.now_s += 10
    supervisor.poll()
    assert crash(supervisor, service) == [State.WAITING]
    assert supervisor.failure() is None
    clock.now_s += 10
    supervisor.poll()
    assert crash(supervisor, service, -11) == [State.FAILED]
    clock.now_s += 1000
    assert supervisor.poll() == []
    assert service.starts == 3
    failure = supervisor.failure()
    assert failure is not None
    assert "track failed: was ended by signal 11, 3 times" in failure.what
    assert "boom: no such model" in failure.what


def test_a_process_that_is_not_to_be_restarted_fails_at_its_first_crash(supervisor: Supervisor) -> None:
    service = FakeService("producer", [], restart=False)
    supervisor.add(service)
    assert crash(supervisor, service, 2) == [State.FAILED]


def test_exit_code_0_is_an_end_and_not_a_crash(supervisor: Supervisor, clock: Clock) -> None:
    service = FakeService("producer", [])
    supervisor.add(service)
    assert crash(supervisor, service, 0) == [State.FINISHED]
    clock.now_s += 1000
    assert supervisor.poll() == []
    assert supervisor.state("producer") is State.FINISHED


def test_a_start_that_fails_counts_as_a_crash(supervisor: Supervisor, clock: Clock) -> None:
    service = FakeService("track", [])
    supervisor.add(service)
    crash(supervisor, service)
    service.startable = False
    states: list[State] = []
    for _ in range(10):
        clock.now_s += 5
        states += [event.state for event in supervisor.poll()]
    assert states == [State.WAITING, State.FAILED]


def test_stop_goes_group_by_group_and_kills_only_the_deaf(supervisor: Supervisor) -> None:
    journal: list[str] = []
    for name, group, deaf in (
        ("kafka", 9, False),
        ("track", 1, True),
        ("camera", 0, False),
        ("infer", 1, False),
    ):
        supervisor.add(FakeService(name, journal, group, deaf=deaf, stop_timeout_s=0.01))
    supervisor.stop()
    assert journal == [
        "terminate camera",
        "terminate track",
        "terminate infer",
        "kill track",
        "terminate kafka",
    ]
    assert {status.state for status in supervisor.snapshot()} == {State.STOPPED}
    assert supervisor.poll() == []


def test_in_a_hurry_nothing_is_waited_for(supervisor: Supervisor) -> None:
    journal: list[str] = []
    supervisor.add(FakeService("track", journal, deaf=True, stop_timeout_s=1e9))
    supervisor.stop(hurry=lambda: True)
    assert journal == ["terminate track", "kill track"]


def test_only_the_named_are_stopped_and_the_others_go_on(supervisor: Supervisor) -> None:
    journal: list[str] = []
    for name in ("camera", "track"):
        supervisor.add(FakeService(name, journal))
    supervisor.stop(["camera"])
    assert [status.state for status in supervisor.snapshot()] == [State.STOPPED, State.RUNNING]


def test_a_process_that_waits_for_its_restart_is_not_started_after_stop(
    supervisor: Supervisor, clock: Clock
) -> None:
    service = FakeService("track", [])
    supervisor.add(service)
    crash(supervisor, service)
    supervisor.stop()
    clock.now_s += 1000
    assert supervisor.poll() == []
    assert service.starts == 1
    assert supervisor.state("track") is State.STOPPED


def test_a_name_is_used_once(supervisor: Supervisor) -> None:
    supervisor.add(FakeService("track", []))
    with pytest.raises(ValueError, match="supervised already"):
        supervisor.add(FakeService("track", []))

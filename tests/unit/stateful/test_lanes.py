"""What was fetched or planned before partitions were given back has no part in what comes after."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from test_facts import FakeRecord, new_book, records_of

from sightline.stateful import DriverConfig
from sightline.stateful.facts import PartitionFacts
from sightline.stateful.lanes import Lanes, Plan
from sightline.stateful.transport import LaneConsumer, LaneTransport

INPUT = "in"


class FakeLane:
    """Keeps what it is offered."""

    def __init__(self) -> None:
        self.offered: list[int] = []
        self.committable = None

    def offer(self, records: list[FakeRecord]) -> None:
        self.offered += [record.offset for record in records]

    async def close(self) -> None: ...


def lanes_of(opened: list[FakeLane], monkeypatch: pytest.MonkeyPatch) -> Lanes[Any, Any]:
    def new_lane(*_: object) -> FakeLane:
        opened.append(FakeLane())
        return opened[-1]

    stage = new_book(PartitionFacts())._stage
    lanes: Lanes[Any, Any] = Lanes(
        stage, DriverConfig(bootstrap="", group="g", fetch_pace_s=0), "changes", {}, "me", lambda _: None
    )
    lanes.input_topic = INPUT
    monkeypatch.setattr(lanes, "_new_lane", new_lane)
    return lanes


def plan_of(lanes: Lanes[Any, Any]) -> Plan:
    return Plan({0: 0}, {0: PartitionFacts()}, lanes._revocations)


def run(scene: Callable[[Lanes[Any, Any], list[FakeLane]], Awaitable[None]]) -> None:
    async def play() -> None:
        opened: list[FakeLane] = []
        with pytest.MonkeyPatch.context() as monkeypatch:
            await scene(lanes_of(opened, monkeypatch), opened)

    asyncio.run(play())


def test_a_plan_from_before_a_revocation_opens_nothing() -> None:
    async def scene(lanes: Lanes[Any, Any], opened: list[FakeLane]) -> None:
        plan = plan_of(lanes)
        await lanes.release()
        assert not lanes.open(plan, 1)
        assert opened == []
        assert lanes.open(plan_of(lanes), 2)

    run(scene)


def test_records_without_a_lane_are_dropped_and_the_next_lane_of_the_partition_is_another() -> None:
    async def scene(lanes: Lanes[Any, Any], opened: list[FakeLane]) -> None:
        assert lanes.open(plan_of(lanes), 1)
        lanes.offer(0, records_of([(0, 1)]))
        await lanes.release()
        lanes.forget()
        lanes.offer(0, records_of([(0, 1), (0, 2)]))
        assert lanes.open(plan_of(lanes), 2)
        assert [lane.offered for lane in opened] == [[0], []]

    run(scene)


@pytest.mark.parametrize(("seeks", "taken"), [(4, []), (5, [0]), (6, [0])])
def test_what_was_fetched_before_the_seek_that_opened_the_lanes_is_not_offered(
    seeks: int, taken: list[int]
) -> None:
    async def scene(lanes: Lanes[Any, Any], opened: list[FakeLane]) -> None:
        async def fetch(_active: set[TP], _timeout_s: float) -> Any:
            return seeks, {TP(INPUT, 0): records_of([(0, 1)])}

        transport = LaneTransport.__new__(LaneTransport)
        transport.lanes = lanes
        consumer = LaneConsumer.__new__(LaneConsumer)
        consumer.transport = transport
        consumer._thread = SimpleNamespace(fetch=fetch)  # type: ignore[assignment]
        consumer._buffered_partitions = set()
        consumer._valid_from = 5
        assert lanes.open(plan_of(lanes), 1)
        await consumer._drain_once({TP(INPUT, 0)})
        assert opened[0].offered == taken

    run(scene)

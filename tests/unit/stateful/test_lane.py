"""The order of one lane's writes, and how it ends; Kafka is a list."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, cast

import pytest
from test_facts import FakeRecord, new_book, records_of

from sightline.errors import SightlineError
from sightline.stateful import DriverConfig
from sightline.stateful.book import Outgoing
from sightline.stateful.facts import MARK_KEY, PartitionFacts, decode_mark
from sightline.stateful.lane import Lane, LaneHooks
from sightline.stateful.outbox import Outbox


class FakeOutbox:
    """Keeps what is stored; fails on demand."""

    def __init__(self) -> None:
        self.stored: list[Outgoing] = []
        self.broken: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def store(self, records: Sequence[Outgoing]) -> None:
        await self.gate.wait()
        if self.broken:
            raise self.broken
        self.stored += records

    async def store_in(self, topic: str, partition: int, records: Sequence[Outgoing]) -> int:
        await self.store(records)
        return len(self.stored) - 1


class Setup:
    def __init__(self, **options: Any) -> None:
        self.outbox = FakeOutbox()
        self.facts = PartitionFacts()
        self.calls: list[str] = []
        self.errors: list[BaseException] = []
        config = DriverConfig(bootstrap="", group="g", **({"snapshot_interval_s": 0.02} | options))
        hooks = LaneHooks(
            lambda: self.calls.append("full"),
            lambda: self.calls.append("room"),
            lambda _offset: None,
            self.errors.append,
        )
        self.lane: Lane[tuple[int, ...], int] = Lane(
            new_book(self.facts),
            self.facts,
            3,
            "changes",
            cast(Outbox, self.outbox),
            config,
            1,
            "me",
            hooks,
            self.calls.append,
            time.monotonic,
        )


def rows(count: int) -> list[FakeRecord]:
    return records_of([(0, number) for number in range(count)])


def test_outputs_come_before_snapshots_and_snapshots_before_the_mark() -> None:
    async def run() -> None:
        setup = Setup()
        setup.lane.offer(rows(5))
        await asyncio.sleep(0.1)
        await setup.lane.close()
        assert [r.topic for r in setup.outbox.stored[:10]] == ["out", "alerts"] * 5
        assert [r.key for r in setup.outbox.stored[10:]] == [b"sa", MARK_KEY]
        assert decode_mark(setup.outbox.stored[-1].value).offset == 4
        assert setup.lane.committable == 5

    asyncio.run(run())


def test_nothing_is_committable_while_outputs_are_on_their_way() -> None:
    async def run() -> None:
        setup = Setup()
        setup.outbox.gate.clear()
        setup.lane.offer(rows(5))
        await asyncio.sleep(0.1)
        assert setup.lane.committable is None
        assert "after-output" not in setup.calls
        setup.outbox.gate.set()
        await setup.lane.close()
        assert setup.lane.committable == 5

    asyncio.run(run())


def test_a_failed_send_stops_the_lane_and_moves_no_mark() -> None:
    async def run() -> None:
        setup = Setup()
        setup.outbox.broken = RuntimeError("no")
        setup.lane.offer(rows(1))
        await asyncio.sleep(0.05)
        with pytest.raises(RuntimeError, match="no"):
            await setup.lane.close()
        assert [str(error) for error in setup.errors] == ["no"]
        assert setup.lane.committable is None

    asyncio.run(run())


def test_too_many_waiting_records_pause_fetching_until_half_are_done() -> None:
    async def run() -> None:
        setup = Setup(max_pending_records=10, max_batch_records=2)
        setup.lane.offer(rows(12))
        await asyncio.sleep(0.1)
        await setup.lane.close()
        assert [call for call in setup.calls if call in {"full", "room"}] == ["full", "room"]
        assert setup.lane.committable == 12

    asyncio.run(run())


def test_a_state_that_is_too_large_is_a_clear_error() -> None:
    async def run() -> None:
        setup = Setup(max_snapshot_bytes=100)
        setup.lane.offer(rows(50))
        await asyncio.sleep(0.1)
        with pytest.raises(SightlineError, match="state of a takes 4"):
            await setup.lane.close()

    asyncio.run(run())


def test_an_idle_lane_writes_nothing() -> None:
    async def run() -> None:
        setup = Setup()
        await asyncio.sleep(0.08)
        await setup.lane.close()
        assert setup.outbox.stored == []

    asyncio.run(run())


def test_a_snapshot_that_failed_is_the_lanes_last() -> None:
    async def run() -> None:
        setup = Setup()
        setup.lane.offer(rows(2))
        while not setup.outbox.stored:
            await asyncio.sleep(0)
        setup.outbox.broken = RuntimeError("snapshot lost")
        await asyncio.sleep(0.05)
        setup.outbox.broken = None
        setup.lane.offer(records_of([(1, number) for number in range(6)])[2:])
        with pytest.raises(RuntimeError, match="snapshot lost"):
            await setup.lane.close()
        assert [str(error) for error in setup.errors] == ["snapshot lost"] * 2
        assert not [record for record in setup.outbox.stored if record.topic == "changes"]

    asyncio.run(run())

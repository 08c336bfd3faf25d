"""The lanes of one worker: opened after recovery, fed by the consumer, closed when partitions go."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol

from aiokafka import AIOKafkaProducer

from sightline.errors import SightlineError
from sightline.stateful.book import Book, Record
from sightline.stateful.facts import PartitionFacts, resume_offset
from sightline.stateful.lane import Lane, LaneHooks
from sightline.stateful.outbox import Outbox
from sightline.stateful.stage import DriverConfig, KeyCounters, M, Probe, S, Stage
from sightline.stateful.table import SnapshotStore

_LOG = logging.getLogger("sightline.stateful")


class Flow(Protocol):
    """How lanes hold back the consumer."""

    def pause_input(self, partition: int) -> None:
        """Fetch nothing more from the partition."""
        ...

    def resume_input(self, partition: int) -> None:
        """Fetch from it again."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to go on with each partition after recovery."""

    resume: Mapping[int, int]
    facts: Mapping[int, PartitionFacts]
    revocations: int


class Lanes(Generic[S, M]):
    """All lanes of this worker; used from one event loop.

    Args:
        stage: The stage.
        config: Limits and intervals.
        changelog_topic: Name of the changelog.
        partitions: Partition count of every topic that is written to.
        owner: Name of this worker, for the changelog.
        probe: Told where lanes are.
    """

    lane_type: type[Lane[S, M]] = Lane

    def __init__(
        self,
        stage: Stage[S, M],
        config: DriverConfig,
        changelog_topic: str,
        partitions: Mapping[str, int],
        owner: str,
        probe: Probe,
    ) -> None:
        self.input_topic = stage.input_topic
        self.fetch_pace_s = config.fetch_pace_s
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stage = stage
        self._config = config
        self._changelog_topic = changelog_topic
        self._partitions = partitions
        self._owner = owner
        self._probe = probe
        self._lanes: dict[int, Lane[S, M]] = {}
        self._revocations = 0
        self._outbox: Outbox | None = None
        self._store: SnapshotStore | None = None
        self._flow: Flow | None = None

    def attach(self, producer: AIOKafkaProducer, store: SnapshotStore, flow: Flow) -> None:
        """Connect to what Faust has started."""
        self._outbox = Outbox(producer, self._partitions)
        self._store = store
        self._flow = flow

    @property
    def outbox(self) -> Outbox:
        """The way to Kafka."""
        assert self._outbox is not None, "attached when the producer has started"
        return self._outbox

    def fail(self, error: BaseException) -> None:
        """Record why the worker cannot go on; the first reason counts."""
        if not self.failed.done():
            self.failed.set_exception(error)

    def plan(self, bounds: Mapping[int, tuple[int, int]], committed: Mapping[int, int | None]) -> Plan:
        """Where each partition resumes.

        Args:
            bounds: First offset that the input still holds and the one after its last, per partition.
            committed: The group's commit, for a warning only: what counts is the changelog.

        Raises:
            SightlineError: The changelog is foreign, or knows more of the input than there is.
        """
        assert self._store is not None
        facts = {partition: self._store.facts(partition) for partition in bounds}
        resume = {}
        for partition, (first, end) in bounds.items():
            resume[partition] = self._resume(
                partition, facts[partition], first, end, committed.get(partition)
            )
        return Plan(resume, facts, self._revocations)

    def open(self, plan: Plan, generation: int) -> bool:
        """Open a lane per partition of the plan, unless partitions were revoked since it was made."""
        if plan.revocations != self._revocations:
            return False
        assert not self._lanes, "revocation closes all lanes"
        for partition, facts in plan.facts.items():
            self._lanes[partition] = self._new_lane(partition, facts, generation)
        return True

    def is_open(self, partition: int) -> bool:
        """Whether records of the partition are taken."""
        return partition in self._lanes

    def any_open(self) -> bool:
        """Whether there is a lane at all."""
        return bool(self._lanes)

    def offer(self, partition: int, records: Sequence[Record]) -> None:
        """Give records to their lane; without one they are dropped, and read again when it is opened."""
        lane = self._lanes.get(partition)
        if lane is not None:
            lane.offer(records)

    async def release(self) -> None:
        """Finish, snapshot and close all lanes, within a set time; the next owner replays what is left."""
        self._revocations += 1
        lanes = list(self._lanes.values())
        if not lanes:
            return
        closing = [asyncio.create_task(lane.close()) for lane in lanes]
        ended, late = await asyncio.wait(closing, timeout=self._config.release_timeout_s)
        for task in ended:
            task.exception()  # was reported by the lane; not asked for, it would be logged once more
        if late:
            _LOG.warning("%d partitions given back without a last snapshot: Kafka is too slow", len(late))
            for lane in lanes:
                lane.abandon()
            await asyncio.wait(late)

    def forget(self) -> None:
        """Drop the closed lanes, after their last commit."""
        self._lanes.clear()

    def committable(self) -> dict[int, int]:
        """Offsets that the group may commit."""
        return {
            partition: lane.committable
            for partition, lane in self._lanes.items()
            if lane.committable is not None
        }

    def counters(self) -> dict[str, KeyCounters]:
        """The counters of all keys."""
        counters: dict[str, KeyCounters] = {}
        orphans = 0
        for lane in self._lanes.values():
            of_lane = lane.counters()
            counters.update(of_lane)
            orphans += of_lane[""].dead_letters if "" in of_lane else 0
        if orphans:
            counters[""] = KeyCounters(dead_letters=orphans)
        return counters

    def _resume(
        self, partition: int, facts: PartitionFacts, first: int, end: int, committed: int | None
    ) -> int:
        resume = resume_offset(facts)
        where = f"{self.input_topic} partition {partition}"
        newest = max((snapshot.offset for snapshot in facts.snapshots.values()), default=-1)
        if max(resume, newest + 1) > end:
            raise SightlineError(
                f"{where} ends at offset {end}, but its states stand for offset {max(resume - 1, newest)}:"
                " the topic was recreated or has lost records.",
                f"Restore the topic, or delete {self._changelog_topic} to begin anew (track ids restart).",
            )
        if committed is not None and committed > resume:
            _LOG.warning("%s: replays %d records behind an older snapshot", where, committed - resume)
        if facts.mark is not None and resume < first:
            _LOG.error("%s: offsets %d to %d are gone by retention, unread", where, resume, first - 1)
        return max(resume, first)

    def _new_lane(self, partition: int, facts: PartitionFacts, generation: int) -> Lane[S, M]:
        flow, store = self._flow, self._store
        assert flow is not None
        assert store is not None
        dead_letters = self._config.dead_letter_topic
        book = Book(self._stage, partition, facts, dead_letters, self._partitions[dead_letters], time.time_ns)
        return self.lane_type(
            book,
            facts,
            partition,
            self._changelog_topic,
            self.outbox,
            self._config,
            generation,
            self._owner,
            LaneHooks(
                on_full=lambda: flow.pause_input(partition),
                on_room=lambda: flow.resume_input(partition),
                on_stored=lambda offset: store.advance(partition, offset),
                on_failed=self.fail,
            ),
            self._probe,
            time.monotonic,
        )

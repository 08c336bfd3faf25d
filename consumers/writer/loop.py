"""The writer's main loop: reads, hands units to the thread that inserts, and keeps the group's offsets.

This thread never waits for ClickHouse. While an insert is under way it gathers the next units up to their
limit, then pauses the partitions and goes on polling, so that the group keeps us however long it takes.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from threading import Event
from time import sleep
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumers.writer.gathering import Gathering, Unit, replayed
from consumers.writer.group import Begun, Offsets
from consumers.writer.kafka import RangeReader, record_of
from consumers.writer.lease import AbandonedError, Lease
from consumers.writer.records import Place
from consumers.writer.sinks import Feed
from consumers.writer.store import Probe, Store
from consumers.writer.worker import Worker
from sightline.kafka_clients import is_final

_log = logging.getLogger(__name__)

_POLL_S: Final = 0.1
_BUSY_POLL_S: Final = 0.02
_RECORDS_PER_POLL: Final = 1000
_REVOKE_WAIT_S: Final = 4.0
_STOP_WAIT_S: Final = 5.0
_RETRY_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Clocks:
    """Where the time comes from.

    Attributes:
        steady_s: A clock that never jumps, in seconds.
        wall_ns: The time of day, in Unix nanoseconds.
    """

    steady_s: Callable[[], float]
    wall_ns: Callable[[], int]


@dataclass(slots=True)
class _Flight:
    """Units that are being inserted, or are inserted and not yet committed."""

    units: Sequence[Unit]
    ends: dict[Place, int]
    lease: Lease
    future: "Future[None]"
    renew_at_s: float


class Loop:
    """One writer of the group; `run` is all of it.

    Args:
        consumer: The group's consumer, not yet subscribed.
        feeds: The topics to read.
        gathering: Where records wait.
        store: Inserts units; used by the worker's thread only.
        worker: That thread.
        reader: Reads the ranges of units that others began; used by the worker's thread only.
        session_timeout_s: After this silence the group gives us up.
        clocks: Where the time comes from.
        probe: Told of each step.
    """

    def __init__(
        self,
        *,
        consumer: Consumer,
        feeds: Sequence[Feed],
        gathering: Gathering,
        store: Store,
        worker: Worker,
        reader: RangeReader,
        session_timeout_s: float,
        clocks: Clocks,
        probe: Probe,
    ) -> None:
        self._consumer = consumer
        self._offsets = Offsets(consumer)
        self._feeds = {feed.topic: feed for feed in feeds}
        self._gathering = gathering
        self._store = store
        self._worker = worker
        self._reader = reader
        self._lease_s = session_timeout_s * 0.7
        self._clocks = clocks
        self._probe = probe
        self._owned: set[Place] = set()
        self._begun: set[Begun] = set()
        self._flight: _Flight | None = None
        self._forget = False
        self._is_paused = False
        self._revoke_wait_s = min(_REVOKE_WAIT_S, session_timeout_s / 3)
        self._retry_at_s = float("-inf")

    def run(self, stop: Event) -> None:
        """Write until `stop` is set, then write what is at hand and leave the group.

        Raises:
            SightlineError: ClickHouse refused the rows.
            KafkaException: The broker refused us for good.
        """
        self._consumer.subscribe(
            list(self._feeds), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )
        try:
            while not stop.is_set():
                self._read()
                self._advance()
            self._wind_up()
        finally:
            if self._flight is not None:
                self._flight.lease.abandon()
            self._consumer.close()

    def _read(self) -> None:
        wait_s = self._gathering.wait_s(self._clocks.steady_s())
        poll_s = _POLL_S if wait_s is None else min(_POLL_S, max(wait_s, _BUSY_POLL_S))
        for message in self._consumer.consume(_RECORDS_PER_POLL, poll_s):
            if (error := message.error()) is not None:
                _heed(error)
                continue
            record = record_of(message)
            if record.place in self._owned:
                self._gathering.add(record, self._clocks.steady_s(), self._clocks.wall_ns())
        self._throttle()

    def _throttle(self) -> None:
        if self._gathering.is_full != self._is_paused:
            self._is_paused = not self._is_paused
            act = self._consumer.pause if self._is_paused else self._consumer.resume
            act([TopicPartition(place.topic, place.partition) for place in self._owned])

    def _advance(self) -> None:
        """Finish what is inserted, begin what is due, and keep the lease of what is under way."""
        if self._clocks.steady_s() < self._retry_at_s:
            return
        if self._flight is not None and self._flight.future.done():
            self._land(self._flight)
        if self._flight is not None:
            self._renew(self._flight)
        elif self._begun:
            self._recover()
        elif self._gathering.wait_s(self._clocks.steady_s()) == 0.0:
            self._begin()

    def _begin(self, *, all_of_it: bool = False) -> bool:
        """Begin to insert what is due; False if the group does not take the intent now."""
        now_s = self._clocks.steady_s()
        units = self._gathering.units(inf if all_of_it else now_s)
        # Nothing is inserted without an intent that the group has taken: whoever inherits a partition knows.
        if not self._offsets.begin(units, self._owned):
            self._retry_at_s = now_s + _RETRY_S
            return False
        ends = {Place(unit.topic, r.partition): r.end for unit in units for r in unit.ranges}
        self._gathering.drop(ends)
        self._launch(units, ends, now_s, lambda lease: self._store.write(units, lease))
        return True

    def _recover(self) -> None:
        """Replay the units that were begun, by us or by others, in the partitions that we were given."""
        begun, self._begun = sorted(self._begun), set()
        _log.info("Replaying %d batches that were begun", len(begun))
        ends = {Place(topic, r.partition): r.end for topic, ranges in begun for r in ranges}
        ends = {place: end for place, end in ends.items() if place in self._owned}
        units = [Unit(topic, ranges, (), (), replay=True) for topic, ranges in begun]

        def replay(lease: Lease) -> None:
            for topic, ranges in begun:
                records = self._reader.read(topic, ranges, lease)
                unit = replayed(self._feeds[topic], ranges, records, self._clocks.wall_ns())
                self._store.write([unit], lease)

        self._launch(units, ends, self._clocks.steady_s(), replay)

    def _launch(
        self, units: Sequence[Unit], ends: dict[Place, int], now_s: float, write: Callable[[Lease], None]
    ) -> None:
        """Let the worker write units whose intents the group has since `now_s`."""
        lease, forget = Lease(self._clocks.steady_s), self._forget
        self._forget = False
        lease.renew(now_s + self._lease_s)

        def task() -> None:
            if forget:
                self._store.forget()
            write(lease)

        self._probe("begun")
        self._flight = _Flight(units, ends, lease, self._worker.submit(task), now_s + self._lease_s / 2)

    def _renew(self, flight: _Flight) -> None:
        now_s = self._clocks.steady_s()
        if now_s < flight.renew_at_s:
            return
        flight.renew_at_s = now_s + 1.0
        if self._offsets.begin(flight.units, flight.ends.keys()):
            flight.lease.renew(now_s + self._lease_s)
            flight.renew_at_s = now_s + self._lease_s / 2

    def _land(self, flight: _Flight) -> None:
        """Commit what the worker has written; without success it is tried again."""
        self._flight = None
        with suppress(AbandonedError):
            flight.future.result()
            self._probe("inserted")
            if self._offsets.end(flight.ends):
                self._probe("ended")
            else:
                self._flight = flight
                self._retry_at_s = self._clocks.steady_s() + _RETRY_S

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        starts, begun = self._offsets.resume(partitions)
        self._owned |= {Place(at.topic, at.partition) for at in partitions}
        self._begun |= begun
        self._forget = True
        consumer.incremental_assign(starts)
        if self._is_paused:
            consumer.pause(starts)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        leaving = {Place(at.topic, at.partition) for at in partitions}
        flight = self._flight
        if flight is not None and not leaving.isdisjoint(flight.ends):
            wait_for([flight.future], self._revoke_wait_s)
            if flight.future.done():
                self._land(flight)
        self._give_up(leaving)
        consumer.incremental_unassign(partitions)

    def _lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        _log.warning("The group gave %d partitions to others while we were silent", len(partitions))
        if self._flight is not None:
            self._flight.lease.abandon()
        self._give_up({Place(at.topic, at.partition) for at in partitions})
        consumer.incremental_unassign(partitions)

    def _give_up(self, places: Iterable[Place]) -> None:
        """Leave these partitions to others: what is begun there they will find in the offsets' metadata."""
        gone = set(places)
        self._owned -= gone
        self._gathering.drop(gone)
        if self._flight is not None:
            self._flight.ends = {at: end for at, end in self._flight.ends.items() if at not in gone}
        self._forget = True
        self._begun = {
            (topic, ranges)
            for topic, ranges in self._begun
            if any(Place(topic, r.partition) in self._owned for r in ranges)
        }

    def _wind_up(self) -> None:
        """Write what is under way and what is gathered, if ClickHouse answers in time."""
        if self._gathering.is_empty and self._flight is None:
            return
        until_s = self._clocks.steady_s() + _STOP_WAIT_S
        while self._clocks.steady_s() < until_s:
            if self._flight is None:
                # A replay, and what comes after it, is as well done by the next start.
                if self._gathering.is_empty or self._begun:
                    return
                self._begin(all_of_it=True)
            if self._flight is not None:
                wait_for([self._flight.future], _BUSY_POLL_S)
                if self._flight.future.done():
                    self._land(self._flight)
            if self._clocks.steady_s() < self._retry_at_s:
                sleep(_BUSY_POLL_S)
        _log.warning("Stopped before the last batch was in the tables: the next start writes it")


def _heed(error: KafkaError) -> None:
    if is_final(error):
        raise KafkaException(error)
    _log.warning("Kafka: %s", error.str())

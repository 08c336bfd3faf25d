"""Faust's extension points: a transport whose consumer hands whole batches of the input to the lanes.

Faust keeps what it is good at: membership, assignment, standbys, recovery of the table. Its path for single
events (two tasks, a queue and an acknowledgement for each) is not used for the input topic.
`tests/unit/stateful/test_pins.py` names every private part of Faust and aiokafka that this file relies on,
and fails when one of them changes.
"""

import asyncio
import logging
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from sightline.stateful.lanes import Lanes
from sightline.stateful.namesake import NameWatch

_LOG = logging.getLogger("sightline.stateful")
_FETCH_TIMEOUT_S = 0.2
_FULL_FETCH_TIMEOUT_S = 0.02  # while a lane is full: it joins again with the next fetch
_FETCH_MAX_WAIT_MS = 200  # of the broker; Faust's 1500 delays partitions that were not in a waiting fetch


class LaneProducer(driver.Producer):
    """Faust's producer, idempotent."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class LaneConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread; each fetch carries the number of seeks that came before it."""

    seeks = 0

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        conf = self.app.conf
        self._assignor = self.app.assignor
        return AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_wait_ms=_FETCH_MAX_WAIT_MS,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            metadata_max_age_ms=conf.consumer_metadata_max_age_ms,
            connections_max_idle_ms=conf.consumer_connections_max_idle_ms,
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )

    async def fetch(self, active: set[TP], timeout_s: float) -> tuple[int, Mapping[TP, list[Any]]]:
        """Wait for records; with them comes the number of seeks before they were taken."""
        # Not through the thread's method queue: that costs three tasks a call.
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(self._fetch(active, timeout_s), self.thread_loop)
        )

    async def _fetch(self, active: set[TP], timeout_s: float) -> tuple[int, Mapping[TP, list[Any]]]:
        consumer = self._ensure_consumer()
        records = await self._fetch_records(
            consumer, active, timeout=timeout_s, max_records=self.app.conf.broker_max_poll_records
        )
        return self.seeks, records  # no await in between: exact

    async def _seek_wait(self, consumer: AIOKafkaConsumer, partitions: Mapping[TP, int]) -> None:
        self.seeks += 1  # and the base class seeks before its first await: exact, too
        await super()._seek_wait(consumer, partitions)

    async def committed(self, tps: Iterable[TP]) -> dict[TP, int | None]:
        """The group's commits."""
        found: dict[TP, int | None] = await self.call_thread(self._committed, tps)
        return found

    async def _committed(self, tps: Iterable[TP]) -> dict[TP, int | None]:
        consumer = self._ensure_consumer()
        return {tp: await consumer.committed(driver.ensure_aiokafka_TP(tp)) for tp in tps}

    @property
    def is_member(self) -> bool:
        """Whether the group knows us, as far as we know."""
        return bool(self._ensure_consumer()._coordinator.member_id)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        consumer = self._ensure_consumer()
        positions = {
            driver.ensure_aiokafka_TP(tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items()
        }
        try:
            await consumer.commit(positions)
        except (KafkaError, IllegalStateError) as error:
            # Commits only show the lag. A failed one, as of a worker that lost its partitions, costs nothing.
            _LOG.warning("Commit failed: %s", error)
            return False
        return True


class LaneConsumer(driver.Consumer):
    """Faust's consumer, with lanes instead of streams for the input topic."""

    _thread: LaneConsumerThread
    _valid_from = 0  # fetches with fewer seeks before them are of an earlier position

    @property
    def lanes(self) -> Lanes[Any, Any]:
        """The lanes, given by the transport."""
        return self._lane_transport.lanes

    @property
    def _lane_transport(self) -> "LaneTransport":
        transport = self.transport
        assert isinstance(transport, LaneTransport)
        return transport

    def _new_consumer_thread(self) -> LaneConsumerThread:
        return LaneConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # -- flow

    def pause_input(self, partition: int) -> None:
        """Fetch nothing more from a partition of the input."""
        self.on_buffer_full(TP(self.lanes.input_topic, partition))

    def resume_input(self, partition: int) -> None:
        """Fetch from it again."""
        self.on_buffer_drop(TP(self.lanes.input_topic, partition))

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Resume fetching; Faust asks for the input before it seeks, which is too early."""
        super().resume_partitions({tp for tp in tps if self._may_fetch(tp)})

    def _may_fetch(self, tp: TP) -> bool:
        return tp.topic != self.lanes.input_topic or self.lanes.is_open(tp.partition)

    # -- rebalance

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Snapshot and commit everything, then let Faust give the partitions back."""
        if self.app.consumer_generation_id and not self._thread.is_member:
            self._count_loss()
        await self.finish()
        self._buffered_partitions.clear()
        await super().on_partitions_revoked(revoked)

    def _count_loss(self) -> None:
        if error := self._lane_transport.names.lost(time.monotonic()):
            # At once: stopping in good order would join once more, and throw the other out in turn. Nothing
            # is lost, as what we hold is not ours any more.
            _LOG.error("%s", error)
            os._exit(1)

    async def finish(self) -> None:
        """Close all lanes with a last snapshot, and commit, within a set time."""
        await self.lanes.release()
        try:
            async with asyncio.timeout(2):
                await self.commit()
        except TimeoutError:
            _LOG.warning("No last commit: Kafka is too slow")
        self.lanes.forget()

    async def perform_seek(self) -> None:
        """Go where the snapshots say, not where the group's commit says, and open the lanes."""
        generation = self.app.consumer_generation_id
        inputs = {tp for tp in self.assignment() if tp.topic == self.lanes.input_topic}
        if not inputs:
            return
        self._check_colocated(inputs)
        first, end = await self.earliest_offsets(*inputs), await self.highwaters(*inputs)
        committed = await self._thread.committed(inputs)
        plan = self.lanes.plan(
            {tp.partition: (first[tp], end[tp]) for tp in inputs},
            {tp.partition: committed[tp] for tp in inputs},
        )
        await self.seek_wait({tp: plan.resume[tp.partition] for tp in inputs})
        if self.lanes.open(plan, generation):
            self._valid_from = self._thread.seeks
            super().resume_partitions(inputs)

    def _check_colocated(self, inputs: set[TP]) -> None:
        tables = self.app.tables.changelog_topics
        changelogs = {tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic in tables}
        if not changelogs >= {tp.partition for tp in inputs}:
            raise RuntimeError(f"input partitions without their changelog: {inputs}, {changelogs}")

    # -- fetching

    async def _drain_messages(self, fetcher: Any) -> None:
        stopped = (self._stopped.is_set, fetcher._stopped.is_set)
        try:
            while not any(is_set() for is_set in stopped):
                if not self.flow_active:
                    await self.wait(self.can_resume_flow.wait())
                active = self._get_active_partitions()
                if active:
                    await self._drain_once(active)
                else:
                    await self.sleep(0.02)
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    async def _drain_once(self, active: set[TP]) -> None:
        timeout_s = _FULL_FETCH_TIMEOUT_S if self._buffered_partitions else _FETCH_TIMEOUT_S
        # A copy: aiokafka takes a set that becomes empty while it waits for "all partitions".
        seeks, fetched = await self._thread.fetch(set(active), timeout_s)
        for tp, records in fetched.items():
            if tp.topic != self.lanes.input_topic:
                await self._deliver_changelog(TP(*tp), records)
            elif seeks >= self._valid_from:
                self.lanes.offer(tp.partition, records)
        await asyncio.sleep(self.lanes.fetch_pace_s)

    async def _deliver_changelog(self, tp: TP, records: list[Any]) -> None:
        # As Faust does it, because its recovery counts on it: what waits when a rebalance begins is dropped.
        for record in records:
            if not self.flow_active:
                return
            read = self._read_offset[tp]
            if read is None or record.offset >= read:
                await self.wait_first(self.callback(self._to_message(tp, record)), self.suspend_flow.wait())
                self._read_offset[tp] = record.offset

    # -- commits

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit what marks stand for. Recovery does not depend on it."""
        offsets = {
            TP(self.lanes.input_topic, partition): offset
            for partition, offset in self.lanes.committable().items()
        }
        known = self._committed_offset
        news = {tp: offset for tp, offset in offsets.items() if known.get(tp) != offset}
        if not news or not await self._thread.commit(news):
            return False
        known.update(news)
        return True

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust looks for streams here and warns that there are none."""


class LaneTransport(driver.Transport):
    """aiokafka's transport with this module's consumer and producer; the rest is set once it is made."""

    Consumer: ClassVar[type[driver.Consumer]] = LaneConsumer
    Producer: ClassVar[type[driver.Producer]] = LaneProducer
    lanes: Lanes[Any, Any]
    names: NameWatch

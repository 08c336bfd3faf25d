"""Runs a stage in this process until it is told to stop or fails."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import faust
from yarl import URL

from sightline.ending import end_by_force
from sightline.errors import SightlineError
from sightline.stateful.book import Outgoing
from sightline.stateful.lanes import Lanes
from sightline.stateful.namesake import NameWatch
from sightline.stateful.stage import DriverConfig, M, OnInterval, Probe, S, Stage
from sightline.stateful.table import SnapshotTable
from sightline.stateful.topics import prepare_topics
from sightline.stateful.transport import LaneConsumer, LaneProducer, LaneTransport

_LOG = logging.getLogger("sightline.stateful")
_STOP_TIMEOUT_S = 10.0
_REBALANCE_S = 5.0
_IDLE_LIMIT_S = 90.0  # with partitions but without lanes: recovery hangs, as with a broker that went away


def no_probe(_where: str) -> None:
    """The probe of production: does nothing."""


def changelog_name(group: str, stage_name: str) -> str:
    """Name of the changelog topic, as Faust derives it from group and table."""
    return f"{group}-{stage_name}-changelog"


def run_stage(
    stage: Stage[S, M],
    config: DriverConfig,
    *,
    on_interval: OnInterval | None = None,
    probe: Probe = no_probe,
    lanes_type: type[Lanes[S, M]] = Lanes,
) -> None:
    """Run a stage until SIGTERM or SIGINT; must be called in the main thread.

    Args:
        stage: The stage.
        config: How to run it.
        on_interval: Called every `status_interval_s` with the counters of every key; what it returns is
            published (best effort: these records may repeat or be missed after a crash).
        probe: For tests.
        lanes_type: For tests.

    Raises:
        SightlineError: The topics do not fit, the changelog is foreign, a record is too large. Where another
            worker has our name, the process ends at once instead, with exit code 1 and a line in the log.
        BaseException: Whatever the stage raised. The caller must let the process exit non-zero: everything
            since the last snapshot is then replayed, and nothing is skipped.
    """
    changelog = changelog_name(config.group, stage.name)
    counts = prepare_topics(stage.input_topic, stage.output_topics, changelog, config)
    with _folder(config.data_dir) as folder:
        asyncio.run(_Worker(stage, config, changelog, counts, folder, on_interval, probe, lanes_type).run())


@dataclass
class _Worker(Generic[S, M]):
    stage: Stage[S, M]
    config: DriverConfig
    changelog: str
    counts: Any
    folder: Path
    on_interval: OnInterval | None
    probe: Probe
    lanes_type: type[Lanes[S, M]]

    async def run(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def ask_to_stop() -> None:
            stop.set()
            end_by_force()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ask_to_stop)
        owner = f"{socket.gethostname()}:{os.getpid()}"
        lanes = self.lanes_type(self.stage, self.config, self.changelog, self.counts, owner, self.probe)
        app = self._app(lanes)
        starting = asyncio.create_task(self._start(app))
        status = asyncio.create_task(self._report_status(lanes))
        for task in (starting, status):
            task.add_done_callback(lambda done: _forward_failure(done, lanes))
        watching = asyncio.create_task(_watch(app, lanes))
        stopping = asyncio.create_task(_until(stop))
        ends: list[asyncio.Future[Any]] = [lanes.failed, stopping]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in (starting, status, watching, stopping):
            task.cancel()
        failed = lanes.failed.done()
        with _deadline(failed):
            if not failed:
                await _consumer(app).finish()
            await self._stop(app)
        if failed:
            lanes.failed.result()

    def _app(self, lanes: Lanes[S, M]) -> faust.App:
        config = self.config
        app = faust.App(
            config.group,
            broker=[URL(f"kafka://{host}") for host in config.bootstrap.split(",")],
            autodiscover=False,
            datadir=str(self.folder),
            web_enabled=False,
            store="memory://",
            processing_guarantee="at_least_once",
            topic_allow_declare=False,
            topic_disable_leader=True,
            stream_wait_empty=False,
            stream_recovery_delay=0.0,
            broker_client_id=f"sightline-{self.stage.name}",
            broker_session_timeout=config.session_timeout_s,
            broker_heartbeat_interval=min(3.0, config.session_timeout_s / 4),
            # Giving partitions back is bounded by release_timeout_s, so a rebalance need not wait longer.
            broker_rebalance_timeout=config.session_timeout_s + _REBALANCE_S,
            # A request that a dying broker swallowed blocks its caller for this long.
            broker_request_timeout=config.session_timeout_s + 2 * _REBALANCE_S,
            broker_commit_interval=config.snapshot_interval_s,
            broker_max_poll_records=config.fetch_records,
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=config.instance_id,
            table_standby_replicas=config.standby_replicas,
            producer_request_timeout=30.0,
            producer_max_batch_size=config.output_batch_bytes,
            producer_linger=0,
        )
        app.finalize()
        transport = LaneTransport(app.conf.broker_consumer, app)
        transport.lanes = lanes
        transport.names = NameWatch(config.instance_id, config.session_timeout_s)
        app.transport = transport
        app.producer_transport = transport
        app.topics.add(app.topic(self.stage.input_topic, key_type=bytes, value_type=bytes))
        table = SnapshotTable(
            app,
            name=self.stage.name,
            partitions=self.counts[self.stage.input_topic],
            key_type=bytes,
            value_type=bytes,
        )
        app.tables.add(table)
        return app

    async def _start(self, app: faust.App) -> None:
        consumer, producer = _consumer(app), app.producer
        assert isinstance(producer, LaneProducer)
        await producer.start()
        table = app.tables[self.stage.name]
        assert isinstance(table, SnapshotTable)
        consumer.lanes.attach(producer._ensure_producer(), table.snapshots, consumer)
        await app.start()
        _LOG.info("%s: ready", self.stage.name)

    async def _stop(self, app: faust.App) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await app.stop()

    async def _report_status(self, lanes: Lanes[S, M]) -> None:
        if self.on_interval is None:
            return
        while True:
            await asyncio.sleep(self.config.status_interval_s)
            outputs = self.on_interval(lanes.counters())
            await lanes.outbox.store([Outgoing(each.topic, None, each.key, each.value) for each in outputs])


def _consumer(app: faust.App) -> LaneConsumer:
    consumer = app.consumer
    assert isinstance(consumer, LaneConsumer)
    return consumer


async def _until(event: asyncio.Event) -> None:
    await event.wait()


def _forward_failure(task: "asyncio.Task[None]", lanes: Lanes[Any, Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        lanes.fail(error)


async def _watch(app: faust.App, lanes: Lanes[Any, Any]) -> None:
    """Faust's services crash or hang on their own, in two threads; see that the process ends then."""
    idle_since_s: float | None = None
    while not app.crashed:
        await asyncio.sleep(0.2)
        waiting = app.rebalancing or (app.assignor.assigned_actives() and not lanes.any_open())
        if not waiting:
            idle_since_s = None
            continue
        idle_since_s = idle_since_s or time.monotonic()
        if time.monotonic() - idle_since_s > _IDLE_LIMIT_S:
            lanes.fail(TimeoutError(f"no recovery from a rebalance within {_IDLE_LIMIT_S:.0f} s"))
            return
    lanes.fail(app.crash_reason or RuntimeError("Faust crashed"))


@contextlib.contextmanager
def _deadline(failed: bool) -> Iterator[None]:
    """End the process if stopping hangs: Faust joins threads that may wait for a dead broker."""
    timer = threading.Timer(_STOP_TIMEOUT_S + 5, os._exit, [1 if failed else 0])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _folder(data_dir: Path | None) -> Iterator[Path]:
    if data_dir is None:
        with tempfile.TemporaryDirectory(prefix="sightline-") as name:
            yield Path(name)
        return
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SightlineError(
            f"Cannot make the folder {data_dir}: {error}.", "Choose another folder."
        ) from error
    yield data_dir

"""Putting the writer together from the settings, and running it until it is told to stop."""

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from confluent_kafka import Consumer, KafkaException

from consumers.writer.gathering import Gathering
from consumers.writer.kafka import LetterPublisher, RangeReader, group_consumer
from consumers.writer.loop import Clocks, Loop
from consumers.writer.sinks import Feed, feeds
from consumers.writer.store import Probe, Store
from consumers.writer.worker import Worker
from schemas.topics import DEAD_LETTERS
from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.clickhouse.connect import back_end
from sightline.clickhouse.database import Database, UnavailableError
from sightline.clickhouse.http import HttpPort
from sightline.clickhouse.migrate import migrate
from sightline.clickhouse.reading import UTC
from sightline.clickhouse.server import Server
from sightline.ending import end_by_force
from sightline.errors import SightlineError
from sightline.garbage import collect_seldom
from sightline.kafka_clients import member_refused
from sightline.settings import Settings

_log = logging.getLogger(__name__)

_EMBEDDED: Final = "embedded"
_PAUSE_S: Final = 1.0
_BROKER_TIMEOUT_S: Final = 5.0


def run_writer(
    settings: Settings,
    *,
    data_dir: Path,
    ready: Callable[[int], None],
    probe: Probe = lambda _: None,
    stop: threading.Event | None = None,
) -> None:
    """Write everything that the stages publish into ClickHouse, until SIGTERM, SIGINT or `stop`.

    Waits for a broker or a ClickHouse that is not there yet, and through every time that one is away.

    Args:
        settings: The settings; `kafka.bootstrap` must be set.
        data_dir: Folder of the local stack; the tables are in it unless `clickhouse.dsn` is set.
        ready: Called once the tables are there, with the port of the read-only HTTP, 0 where there is none.
        probe: Told of each step by name; for tests.
        stop: Stops the writer when set. Signals are heeded only on the main thread.

    Raises:
        SightlineError: Topics are missing, the tables are in use by another process or of a newer version,
            ClickHouse refuses rows or user, or the broker refuses us.
    """
    stop = stop or threading.Event()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_heeding_signals(stop))
        engine = back_end(settings.clickhouse, data_dir)
        stack.callback(engine.close)
        database = _connect(engine, settings, stop)
        if database is None:
            return
        stack.callback(database.close)
        port = 0
        if isinstance(engine, ChdbEngine):
            http = stack.enter_context(
                HttpPort(
                    engine,
                    settings.clickhouse.database,
                    settings.clickhouse.http_port,
                    settings.clickhouse.time_zone or UTC,
                )
            )
            port = http.port
        collect_seldom()
        write_to(database, settings, lambda: ready(port), probe, stop)


def write_to(
    database: Database, settings: Settings, ready: Callable[[], None], probe: Probe, stop: threading.Event
) -> None:
    """Write into tables that are there, until `stop` is set; a member of the group among others.

    Args:
        database: A connection that nothing else uses.
        settings: The settings; `kafka.bootstrap` must be set.
        ready: Called before the first record is read.
        probe: Told of each step by name; for tests.
        stop: Stops the writer when set.

    Raises:
        SightlineError: As `run_writer`.
    """
    found = feeds(detections=settings.write.detections)
    consumer = group_consumer(settings.kafka, _instance_id(database, settings))
    if not _topics_are_there(consumer, found, stop):
        consumer.close()
        return
    clocks = Clocks(time.monotonic, time.time_ns)
    store = Store(
        database, settings.clickhouse.database, found, LetterPublisher(settings.kafka), time.time_ns, probe
    )
    loop = Loop(
        consumer=consumer,
        feeds=found,
        gathering=Gathering(found, settings.write.max_batch_rows, settings.write.max_batch_delay_s),
        store=store,
        worker=Worker("insert"),
        reader=RangeReader(settings.kafka),
        session_timeout_s=settings.kafka.session_timeout_s,
        clocks=clocks,
        probe=probe,
    )
    ready()
    try:
        loop.run(stop)
    except KafkaException as error:
        raise member_refused(error.args[0], "writer", "write.instance_id") from error


def _instance_id(database: Database, settings: Settings) -> str | None:
    if settings.write.instance_id is not None:
        return settings.write.instance_id
    # Tables in this process have one writer only, so the group need not wait for the death of the last one.
    return _EMBEDDED if database.capabilities.embedded else None


def _connect(engine: ChdbEngine | Server, settings: Settings, stop: threading.Event) -> Database | None:
    """A connection to tables that are up to date; None if stopped before ClickHouse answered."""
    while not stop.is_set():
        try:
            database = engine.connect()
            for migration in migrate(database, settings.clickhouse.database):
                _log.info("Migrated the tables: %04d %s", migration.number, migration.name)
        except UnavailableError as error:
            _log.warning("ClickHouse is not available, trying again: %s", error)
            stop.wait(_PAUSE_S)
        else:
            return database
    return None


def _topics_are_there(consumer: Consumer, found: Sequence[Feed], stop: threading.Event) -> bool:
    """Whether to go on: False if stopped before the broker answered; a missing topic is an error."""
    while not stop.is_set():
        try:
            there = consumer.list_topics(timeout=_BROKER_TIMEOUT_S).topics
        except KafkaException as error:
            _log.warning("The broker is not available, trying again: %s", error.args[0])
            stop.wait(_PAUSE_S)
            continue
        missing = {feed.topic for feed in found} | {DEAD_LETTERS.name}
        if missing := missing - there.keys():
            raise SightlineError(
                f"The broker has no topic {', '.join(sorted(missing))}.", "Run: sightline topics apply"
            )
        return True
    return False


@contextlib.contextmanager
def _heeding_signals(stop: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def heed(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        end_by_force()

    before = {number: signal.signal(number, heed) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Units into tables: the part of the writer that inserts, on a thread of its own."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from consumers.writer.gathering import Unit
from consumers.writer.intents import token
from consumers.writer.lease import Lease
from consumers.writer.sinks import Feed, Sink
from schemas.dead_letters import DeadLetter
from sightline.clickhouse.database import Database, UnavailableError

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 2.0

Probe = Callable[[str], None]
"""Told of each step by its name, so that a test can stop the writer exactly there."""


class Letters(Protocol):
    """Where dead letters go."""

    def publish(self, letters: Sequence[DeadLetter], lease: Lease) -> None:
        """Return when the broker has them all; raises `AbandonedError` with the lease."""
        ...


class Store:
    """Writes units, each exactly once whatever was written before; one thread uses it.

    Args:
        database: A connection of that thread.
        name: The database of the tables.
        feeds: What each topic holds.
        letters: Where dead letters go.
        wall_ns: The time of day, in Unix nanoseconds.
        probe: Told of each step.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        feeds: Sequence[Feed],
        letters: Letters,
        wall_ns: Callable[[], int],
        probe: Probe,
    ) -> None:
        self._database = database
        self._name = name
        self._feeds: Mapping[str, Feed] = {feed.topic: feed for feed in feeds}
        self._letters = letters
        self._wall_ns = wall_ns
        self._probe = probe

    def forget(self) -> None:
        """Trust no memory of what the tables hold: other writers had a share in them."""
        for feed in self._feeds.values():
            for sink in feed.sinks:
                sink.forget()

    def write(self, units: Sequence[Unit], lease: Lease) -> None:
        """Return when every row of the units is in its table and every dead letter with the broker.

        Raises:
            AbandonedError: The lease ended; a part may be written.
            SightlineError: The database refused, and would do so again.
        """
        for unit in units:
            for sink in self._feeds[unit.topic].sinks:
                self._fill(sink, unit, lease)
                self._probe(f"inserted {sink.table}")
            self._letters.publish(unit.letters, lease)

    def _fill(self, sink: Sink, unit: Unit, lease: Lease) -> None:
        look_up_all, pause_s = unit.replay, _FIRST_PAUSE_S
        while True:
            lease.hold()
            try:
                self._insert(sink, unit, lease, look_up_all=look_up_all)
            except UnavailableError as error:
                _log.warning("ClickHouse is not available, trying again in %.1f s: %s", pause_s, error)
            else:
                return
            lease.sleep(pause_s)
            # The insert may have worked and only its answer got lost: the token drops it the second time, and
            # what is there by then is not sent again at all.
            look_up_all, pause_s = True, min(2 * pause_s, _LONGEST_PAUSE_S)

    def _insert(self, sink: Sink, unit: Unit, lease: Lease, *, look_up_all: bool) -> None:
        table = f"{self._name}.{sink.table}"
        missing = sink.missing(self._database, table, unit.entries, look_up_all=look_up_all)
        for day, entries in sink.days(missing):
            lease.hold()
            rows = sink.block(entries, self._wall_ns())
            self._database.insert(table, rows, token(unit.topic, unit.ranges, sink.table, day))

"""The store tries until rows are in, sends no row that is there, and stops when it has to."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from writer_messages import tracks

from consumers.writer.gathering import Unit
from consumers.writer.intents import token
from consumers.writer.lease import AbandonedError, Lease
from consumers.writer.records import Range
from consumers.writer.sinks import feeds
from consumers.writer.store import Store
from schemas.dead_letters import DeadLetter
from schemas.topics import TRACKS
from sightline.clickhouse.database import Capabilities, Row, UnavailableError
from sightline.clickhouse.native import Block
from sightline.errors import SightlineError

RANGES = (Range(0, 10, 12),)
DAY_NS = 86_400 * 10**9


class Tables:
    """A database that fails as it is told and drops tokens that it knows."""

    capabilities = Capabilities(embedded=False)

    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.stored: dict[str, str] = {}
        self.rows_of: list[tuple[str, int]] = []
        self.answers: list[Sequence[Row]] = []

    def command(self, sql: str) -> None: ...

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        return self.answers.pop(0) if self.answers else []

    def insert(self, table: str, rows: Block, token: str) -> None:
        failure = self.failures.pop(0) if self.failures else None
        if token not in self.stored:
            self.rows_of.append((table, rows.rows))
        self.stored[token] = table
        if failure is not None:
            raise failure

    def close(self) -> None: ...


class Post:
    """Takes letters."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    def publish(self, letters: Sequence[DeadLetter], lease: Lease) -> None:
        lease.hold()
        self.letters += letters


def make(database: Tables) -> tuple[Store, Post, list[str]]:
    post, steps = Post(), list[str]()
    found = feeds(detections=True)
    return Store(database, "db", found, post, lambda: 5, steps.append), post, steps


def valid_lease() -> Lease:
    lease = Lease(lambda: 0.0)
    lease.renew(1.0)
    return lease


def unit(**changes: Any) -> Unit:
    fields = {"entries": [tracks(seq=0, count=2), tracks(seq=1, count=0)], "letters": ()} | changes
    return Unit(TRACKS.name, RANGES, **fields)


def test_a_unit_fills_all_tables_of_its_topic_and_then_sends_its_letters() -> None:
    database = Tables()
    store, post, steps = make(database)
    letter = DeadLetter(value=b"", key=None, reason="", stage="", topic="", partition=0, offset=0, at_ns=0)
    store.write([unit(letters=[letter])], valid_lease())
    assert database.rows_of == [("db.tracks", 2), ("db.frames", 2)]
    assert set(database.stored) == {token(TRACKS.name, RANGES, table, 0) for table in ("tracks", "frames")}
    assert post.letters == [letter]
    assert steps == ["inserted tracks", "inserted frames"]


def test_two_days_are_two_inserts() -> None:
    database = Tables()
    store, _, _ = make(database)
    store.write([unit(entries=[tracks(seq=0, at_ns=DAY_NS - 1), tracks(seq=1, at_ns=DAY_NS)])], valid_lease())
    assert database.rows_of == [("db.tracks", 2), ("db.tracks", 2), ("db.frames", 1), ("db.frames", 1)]


def test_an_insert_whose_answer_got_lost_is_sent_again_with_its_token() -> None:
    database = Tables(UnavailableError("lost"), UnavailableError("lost"))
    store, _, steps = make(database)
    store.write([unit()], valid_lease())
    assert database.rows_of == [("db.tracks", 2), ("db.frames", 2)]
    assert steps == ["inserted tracks", "inserted frames"]


def test_rows_that_a_replay_finds_are_not_sent_again() -> None:
    database = Tables()
    # What `tracks` and then `frames` answer: the newest frame since then, and what is there of these.
    database.answers = [[("a", (1, 1))], [("a", 1, 0, 0), ("a", 1, 1, 0)], [("a", (1, 0))], [("a", 1, 0, 0)]]
    store, _, _ = make(database)
    store.write([unit(replay=True)], valid_lease())
    assert database.rows_of == [("db.frames", 1)]


def test_a_refusal_is_raised_and_not_tried_again() -> None:
    database = Tables(SightlineError("no such table"))
    store, _, steps = make(database)
    with pytest.raises(SightlineError, match="no such table"):
        store.write([unit()], valid_lease())
    assert steps == []


def test_an_abandoned_lease_ends_the_tries() -> None:
    lease = valid_lease()

    class Gone(Tables):
        def insert(self, table: str, rows: Block, token: str) -> None:
            lease.abandon()
            raise UnavailableError("gone")

    store, _, _ = make(Gone())
    with pytest.raises(AbandonedError):
        store.write([unit()], lease)

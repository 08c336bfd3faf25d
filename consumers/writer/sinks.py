"""Which topic feeds which tables, and how one message becomes their rows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from consumers.writer import rows
from consumers.writer.records import Record
from consumers.writer.repeats import RepeatFilter
from consumers.writer.stored import StoredRows, letters_present
from schemas.classifications import Classification
from schemas.dead_letters import DeadLetter
from schemas.detections import Detections
from schemas.streams import StreamStatus
from schemas.topics import CLASSIFICATIONS, DEAD_LETTERS, DETECTIONS, STREAMS, TRACKS, TRUTH
from schemas.tracks import Tracks
from schemas.truth import Truth
from schemas.wire import DecodeError
from sightline.clickhouse.database import Database
from sightline.clickhouse.native import Block

_DAY_NS = 86_400 * 10**9

Entry = Any
"""A decoded message of the topic that a sink or a feed is for."""


class Sink(Protocol):
    """One table, as the writer fills it. It remembers what is stored; one thread uses it."""

    @property
    def table(self) -> str:
        """The table's name, without its database."""
        ...

    def forget(self) -> None:
        """Remember nothing: another writer may have written since."""
        ...

    def missing(
        self, database: Database, name: str, entries: Sequence[Entry], *, look_up_all: bool
    ) -> Sequence[Entry]:
        """The entries whose rows the table lacks; `name` is the table's full name."""
        ...

    def days(self, entries: Sequence[Entry]) -> Iterable[tuple[int, Sequence[Entry]]]:
        """The entries by day of their rows: one partition of the table, so one part for each insert."""
        ...

    def block(self, entries: Sequence[Entry], now_ns: int) -> Block:
        """The rows of the entries; now_ns is the clock just before they are sent."""
        ...


@dataclass(frozen=True)
class FrameSink:
    """A table whose rows belong to frames.

    Attributes:
        table: Its name.
        part: Column that tells several messages of one frame apart, or "".
        has_rows: Whether a message has rows in this table at all.
        build: Makes the rows.
        repeats: What is stored already.
    """

    table: str
    part: str
    has_rows: Callable[[Entry], bool]
    build: Callable[[Sequence[Entry], int], Block]
    repeats: RepeatFilter[Any]

    def forget(self) -> None:
        """Remember nothing."""
        self.repeats.forget()

    def missing(
        self, database: Database, name: str, entries: Sequence[Entry], *, look_up_all: bool
    ) -> Sequence[Entry]:
        """The messages with rows whose rows the table lacks."""
        wanted = [entry for entry in entries if self.has_rows(entry)]
        return self.repeats.fresh(wanted, StoredRows(database, name, self.part), look_up_all=look_up_all)

    def days(self, entries: Sequence[Entry]) -> Iterable[tuple[int, Sequence[Entry]]]:
        """The messages by the day of their capture."""
        days: dict[int, list[Entry]] = {}
        for entry in entries:
            days.setdefault(entry.captured_at_ns // _DAY_NS, []).append(entry)
        return days.items()

    def block(self, entries: Sequence[Entry], now_ns: int) -> Block:
        """The rows of the messages."""
        return self.build(entries, now_ns)


class StatusSink:
    """The table `streams`: of several reports of one key in a unit the last is enough."""

    table = "streams"

    def forget(self) -> None:
        """Nothing is remembered: an old report that comes again loses against the newer one."""

    def missing(
        self, database: Database, name: str, entries: Sequence[StreamStatus], *, look_up_all: bool
    ) -> Sequence[StreamStatus]:
        """The last report of each stream, stage, epoch and instance."""
        latest = {(s.stream_id, s.stage, s.epoch, s.instance): s for s in entries}
        return list(latest.values())

    def days(self, entries: Sequence[Entry]) -> Iterable[tuple[int, Sequence[Entry]]]:
        """The table has no partitions."""
        return ((0, entries),) if entries else ()

    def block(self, entries: Sequence[StreamStatus], now_ns: int) -> Block:
        """The rows of the reports."""
        return rows.streams_block(entries)


class LetterSink:
    """The table `dead_letters`: letters are few, so each is looked up."""

    table = "dead_letters"

    def forget(self) -> None:
        """Nothing is remembered."""

    def missing(
        self, database: Database, name: str, entries: Sequence[rows.Letter], *, look_up_all: bool
    ) -> Sequence[rows.Letter]:
        """The letters that the table lacks, the first of each."""
        letters = {(x.topic, x.partition, x.offset): x for x in reversed(entries)}
        have = letters_present(database, name, list(letters))
        return [letter for key, letter in letters.items() if key not in have]

    def days(self, entries: Sequence[Entry]) -> Iterable[tuple[int, Sequence[Entry]]]:
        """The table has no partitions."""
        return ((0, entries),) if entries else ()

    def block(self, entries: Sequence[rows.Letter], now_ns: int) -> Block:
        """The rows of the letters."""
        return rows.letters_block(entries)


@dataclass(frozen=True)
class Feed:
    """One topic and the tables that it fills.

    Attributes:
        topic: Its name.
        decode: Reads a record; raises `DecodeError`.
        count: How many rows a message makes, about.
        sinks: The tables, in the order of their inserts.
        patience: How much longer than the setting its records may wait. An insert costs the same for one row
            as for a thousand, so what comes seldom waits for company.
    """

    topic: str
    decode: Callable[[Record], Entry]
    count: Callable[[Entry], int]
    sinks: tuple[Sink, ...]
    patience: float = 1.0


def feeds(*, detections: bool) -> tuple[Feed, ...]:
    """All feeds of the writer; `detections` as the setting `write.detections`."""
    tracks = Feed(
        TRACKS.name,
        lambda record: Tracks.from_bytes(record.value),
        lambda message: 1 + len(message.track_ids),
        (
            _frame_sink("tracks", lambda m: len(m.track_ids) > 0, lambda ms, _: rows.tracks_block(ms)),
            _frame_sink("frames", lambda _: True, rows.frames_block),
        ),
    )
    classifications = Feed(
        CLASSIFICATIONS.name,
        lambda record: Classification.from_bytes(record.value),
        lambda _: 1,
        (
            FrameSink(
                "classifications",
                "track_id",
                lambda _: True,
                lambda messages, _: rows.classifications_block(messages),
                RepeatFilter(lambda message: int(message.track_id)),
            ),
        ),
        patience=2.0,
    )
    boxes = Feed(
        DETECTIONS.name,
        _decode_detections,
        lambda message: len(message.scores),
        (_frame_sink("detections", lambda m: len(m.scores) > 0, lambda ms, _: rows.detections_block(ms)),),
    )
    streams = Feed(
        STREAMS.name,
        lambda record: StreamStatus.from_bytes(record.value),
        lambda _: 1,
        (StatusSink(),),
        patience=4.0,
    )
    letters = Feed(DEAD_LETTERS.name, _decode_letter, lambda _: 1, (LetterSink(),), patience=4.0)
    return (tracks, classifications, *((boxes,) if detections else ()), _truth_feed(), streams, letters)


def _truth_feed() -> Feed:
    """What sources know about their frames; nothing comes unless a gateway is told to send it."""
    return Feed(
        TRUTH.name,
        lambda record: Truth.from_bytes(record.value),
        lambda message: len(message.object_ids) + len(message.events),
        (
            _frame_sink("truth", lambda m: len(m.object_ids) > 0, lambda ms, _: rows.truth_block(ms)),
            _frame_sink("truth_events", lambda m: bool(m.events), lambda ms, _: rows.truth_events_block(ms)),
        ),
        patience=2.0,
    )


def _frame_sink(
    table: str, has_rows: Callable[[Entry], bool], build: Callable[[Sequence[Entry], int], Block]
) -> FrameSink:
    return FrameSink(table, "", has_rows, build, RepeatFilter(lambda _: 0))


def _decode_detections(record: Record) -> Detections:
    return Detections.from_bytes(record.value)


def _decode_letter(record: Record) -> rows.Letter:
    try:
        return rows.Letter.of(DeadLetter.from_record(record.key, record.value, record.headers))
    except DecodeError as error:
        # A letter about the letter would come back here for ever; so it becomes a row about itself.
        return rows.Letter(
            topic=record.place.topic,
            partition=record.place.partition,
            offset=record.offset,
            stage="write",
            reason=f"not a dead letter: {error}",
            stream_id="",
            epoch=None,
            seq=None,
            at_ns=record.at_ms * 1_000_000,
            size_bytes=len(record.value),
        )

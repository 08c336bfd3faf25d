"""Records on their way into units: what was read and is not yet being written, by partition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.writer.intents import fitting
from consumers.writer.records import Place, Range, Record
from consumers.writer.sinks import Entry, Feed
from schemas.dead_letters import DeadLetter
from schemas.wire import DecodeError

MAX_BYTES: Final = 32 << 20
"""A unit is written at this many bytes of records, however few rows they make."""

_OVERHEAD_BYTES: Final = 500  # what the objects of even an empty message take


@dataclass(frozen=True, slots=True)
class Unit:
    """What is written together, and replayed together: ranges of one topic.

    Attributes:
        topic: The topic.
        ranges: The ranges, of one partition each.
        entries: The messages in them that could be read, each partition's in order.
        letters: Those that could not.
        replay: Whether a part of it may have been written before.
    """

    topic: str
    ranges: tuple[Range, ...]
    entries: Sequence[Entry]
    letters: Sequence[DeadLetter]
    replay: bool = False


@dataclass(slots=True)
class _Gathered:
    start: int
    end: int
    entries: list[Entry] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    rows: int = 0
    size_bytes: int = 0


class Gathering:
    """Collects decoded records until they are worth an insert.

    Args:
        feeds: What each topic holds.
        max_rows: Enough rows for an insert.
        max_delay_s: No record waits longer for its insert.
    """

    def __init__(self, feeds: Iterable[Feed], max_rows: int, max_delay_s: float) -> None:
        self._feeds: Mapping[str, Feed] = {feed.topic: feed for feed in feeds}
        self._max_rows = max_rows
        self._max_delay_s = max_delay_s
        self._places: dict[Place, _Gathered] = {}
        self._since_s: dict[str, float] = {}
        self._rows = 0
        self._size_bytes = 0

    def add(self, record: Record, now_s: float, wall_ns: int) -> None:
        """Take a record; those of one partition come in order.

        Args:
            record: The record.
            now_s: A clock that never jumps, in seconds.
            wall_ns: The time of day, in Unix nanoseconds, for dead letters.
        """
        place = record.place
        gathered = self._places.get(place)
        if gathered is None:
            gathered = self._places[place] = _Gathered(record.offset, record.offset)
            self._since_s.setdefault(place.topic, now_s)
        if record.offset < gathered.end:
            return  # read once more after the partition went and came back
        feed = self._feeds[place.topic]
        entry, letter = read(feed, record, wall_ns)
        if entry is not None:
            gathered.entries.append(entry)
        if letter is not None:
            gathered.letters.append(letter)
        rows = 1 if entry is None else feed.count(entry)
        size_bytes = len(record.value) + _OVERHEAD_BYTES
        gathered.end = record.offset + 1
        gathered.rows += rows
        gathered.size_bytes += size_bytes
        self._rows += rows
        self._size_bytes += size_bytes

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until something here should be written: 0 if now, None if nothing is here."""
        if not self._places:
            return None
        if self.is_full:
            return 0.0
        return max(0.0, min(self._due_s(topic) for topic in self._since_s) - now_s)

    @property
    def is_full(self) -> bool:
        """Whether no more should be added before units of this are begun."""
        return self._rows >= self._max_rows or self._size_bytes >= MAX_BYTES

    @property
    def is_empty(self) -> bool:
        """Whether nothing is here."""
        return not self._places

    def units(self, now_s: float) -> tuple[Unit, ...]:
        """The topics that are due as units, in the order of the feeds; all at `math.inf` or when full."""
        due = [t for t in self._feeds if t in self._since_s and (self.is_full or self._due_s(t) <= now_s)]
        return tuple(unit for topic in due for unit in self._units(topic))

    def _due_s(self, topic: str) -> float:
        return self._since_s[topic] + self._max_delay_s * self._feeds[topic].patience

    def drop(self, places: Iterable[Place]) -> None:
        """Forget the records of these partitions."""
        for place in places:
            gathered = self._places.pop(place, None)
            if gathered is not None:
                self._rows -= gathered.rows
                self._size_bytes -= gathered.size_bytes
        here = {place.topic for place in self._places}
        self._since_s = {topic: since for topic, since in self._since_s.items() if topic in here}

    def _units(self, topic: str) -> Iterable[Unit]:
        mine = {place.partition: g for place, g in self._places.items() if place.topic == topic}
        for group in fitting(Range(partition, g.start, g.end) for partition, g in mine.items()):
            chosen = [mine[found.partition] for found in group]
            yield Unit(
                topic,
                group,
                [entry for gathered in chosen for entry in gathered.entries],
                [letter for gathered in chosen for letter in gathered.letters],
            )


def read(feed: Feed, record: Record, wall_ns: int) -> tuple[Entry | None, DeadLetter | None]:
    """The message in a record, or the letter about it; neither for a tombstone."""
    if record.is_tombstone:
        return None, None
    try:
        return feed.decode(record), None
    except DecodeError as error:
        return None, DeadLetter.about(
            record.key,
            record.value,
            reason=str(error),
            stage="write",
            topic=record.place.topic,
            partition=record.place.partition,
            offset=record.offset,
            at_ns=wall_ns,
        )


def replayed(feed: Feed, ranges: tuple[Range, ...], records: Iterable[Record], wall_ns: int) -> Unit:
    """The unit of an intent, from the records of its ranges."""
    entries: list[Entry] = []
    letters: list[DeadLetter] = []
    for record in records:
        entry, letter = read(feed, record, wall_ns)
        if entry is not None:
            entries.append(entry)
        if letter is not None:
            letters.append(letter)
    return Unit(feed.topic, ranges, entries, letters, replay=True)

"""Asking a table which rows it has. The questions are bounded by time, so history does not make them slow."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, TypeVar

from consumers.writer.repeats import Key, Order, Span
from sightline.clickhouse.database import Database

STREAMS_PER_QUESTION: Final = 100

LetterKey = tuple[str, int, int]
"""Topic, partition and offset of the record that a dead letter is about."""

T = TypeVar("T")


class StoredRows:
    """`Stored` for a table with stream_id, epoch, seq and captured_at.

    Args:
        database: A connection, used by the caller's thread.
        table: Full name of the table.
        part: Name of the column that tells a frame's messages apart, or "" where a frame has one.
    """

    def __init__(self, database: Database, table: str, part: str) -> None:
        self._database = database
        self._table = table
        self._part = part

    def newest(self, since_ns: Mapping[str, int]) -> Mapping[str, Order]:
        """The newest frame of each stream among its rows captured at or after a time, if it has any."""
        found: dict[str, Order] = {}
        for some in _chunks(since_ns.items(), STREAMS_PER_QUESTION):
            where = " OR ".join(
                f"(stream_id = {quoted(stream_id)} AND captured_at >= {_moment(at_ns)})"
                for stream_id, at_ns in some
            )
            rows = self._database.rows(
                f"SELECT stream_id, max((epoch, seq)) AS newest FROM {self._table}"  # noqa: S608 - values are quoted
                f" WHERE {where} GROUP BY stream_id"
            )
            found |= {str(row[0]): _order(row[1]) for row in rows}
        return found

    def present(self, spans: Mapping[str, Span]) -> set[Key]:
        """The keys of all rows of these streams captured in these spans."""
        part = f"toUInt64({self._part})" if self._part else "toUInt64(0)"
        found: set[Key] = set()
        for some in _chunks(spans.items(), STREAMS_PER_QUESTION):
            where = " OR ".join(
                f"(stream_id = {quoted(stream_id)} AND captured_at BETWEEN {_moment(lo)} AND {_moment(hi)})"
                for stream_id, (lo, hi) in some
            )
            rows = self._database.rows(
                f"SELECT DISTINCT stream_id, epoch, seq, {part} FROM {self._table} WHERE {where}"  # noqa: S608 - values are quoted
            )
            found |= {Key(str(row[0]), int(row[1]), int(row[2]), int(row[3])) for row in rows}
        return found


def letters_present(database: Database, table: str, keys: Sequence[LetterKey]) -> set[LetterKey]:
    """Those of the keys that the table of dead letters has."""
    found: set[LetterKey] = set()
    for some in _chunks(keys, STREAMS_PER_QUESTION):
        wanted = ", ".join(f"({quoted(topic)}, {partition}, {offset})" for topic, partition, offset in some)
        rows = database.rows(
            f"SELECT topic, `partition`, `offset` FROM {table}"  # noqa: S608 - values are quoted
            f" WHERE (topic, `partition`, `offset`) IN ({wanted})"
        )
        found |= {(str(row[0]), int(row[1]), int(row[2])) for row in rows}
    return found


def quoted(text: str) -> str:
    """A text as a string literal of ClickHouse's SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _moment(at_ns: int) -> str:
    return f"fromUnixTimestamp64Nano(toInt64({at_ns}), 'UTC')"


def _order(value: Sequence[int]) -> Order:
    return (int(value[0]), int(value[1]))


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some

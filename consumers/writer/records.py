"""What the writer reads and how it names places in the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Place(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Range(NamedTuple):
    """Offsets of one partition, from start up to, not including, end."""

    partition: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a topic.

    Attributes:
        place: Its partition.
        offset: Its offset there.
        key: Its key, or None.
        value: Its value.
        headers: Its headers.
        at_ms: When it was stored, in Unix milliseconds; 0 if unknown.
        is_tombstone: Whether it has no value, so that a compacted topic forgets its key.
    """

    place: Place
    offset: int
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()
    at_ms: int = 0
    is_tombstone: bool = False

"""What the writer is about to do, written into the metadata of the group's offsets.

An intent names every range of a unit, not only that of the partition it is written to: the insert of a unit
is one block made of all of them, so whoever inherits one of its partitions must be able to rebuild the whole.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Final

from consumers.writer.records import Range

MAX_METADATA_BYTES: Final = 3500
"""Below the broker's `offset.metadata.max.bytes`, 4096 by default."""

_PREFIX: Final = "w1:"
_ITEM: Final = re.compile(r"(\d{1,9})@(\d{1,19})\+(\d{1,19})\Z")


def encode(ranges: Iterable[Range]) -> str:
    """The ranges of a unit as the metadata of an offset: `w1:PARTITION@START+LENGTH,…` by partition."""
    items = (f"{r.partition}@{r.start}+{r.end - r.start}" for r in sorted(ranges))
    return _PREFIX + ",".join(items)


def decode(metadata: str | None) -> tuple[Range, ...]:
    """The ranges of an intent; none if the metadata holds no intent of ours."""
    if not metadata or not metadata.startswith(_PREFIX):
        return ()
    ranges = []
    for item in metadata.removeprefix(_PREFIX).split(","):
        match = _ITEM.match(item)
        if match is None:
            return ()
        partition, start, length = (int(group) for group in match.groups())
        ranges.append(Range(partition, start, start + length))
    return tuple(ranges)


def fitting(ranges: Iterable[Range]) -> Iterator[tuple[Range, ...]]:
    """Split ranges into as few groups as have intents that the broker takes."""
    group: list[Range] = []
    size = len(_PREFIX)
    for found in sorted(ranges):
        item = len(encode([found])) - len(_PREFIX) + 1
        if group and size + item > MAX_METADATA_BYTES:
            yield tuple(group)
            group, size = [], len(_PREFIX)
        group.append(found)
        size += item
    if group:
        yield tuple(group)


def token(topic: str, ranges: Iterable[Range], table: str, day: int) -> str:
    """The deduplication token of one insert: the same for the same ranges, table and day."""
    digest = hashlib.blake2b(f"{topic}|{encode(ranges)}".encode(), digest_size=16).hexdigest()
    return f"{table}-{day}-{digest}"

"""Which messages are in a table already.

The log can hold a frame twice, and a range of the log can be read twice. A frame is a repeat if, and only if,
its rows are in the table or come earlier in the same unit. The table itself is the judge; what is remembered
here only saves asking it. For each stream a *front* is remembered: of the rows captured at or after
`since_ns`, none is newer than `newest`. A frame captured after `since_ns` and newer than `newest` must be
new. Any other frame is looked up. A front that is too high costs a look-up and never a row, so fronts may be
raised before their rows are stored.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

Order = tuple[int, int]
"""A frame's place in its stream: (epoch, seq)."""

SLACK_NS: Final = 600 * 10**9
"""How much further back than its first frame a front reaches: for frames whose clock is a little behind."""


class Key(NamedTuple):
    """What tells the rows of one message from those of all others in a table.

    Attributes:
        stream_id: The stream.
        epoch: Epoch of the frame.
        seq: Number of the frame.
        part: Which of the frame's messages, where a frame has several (a track's id), else 0.
    """

    stream_id: str
    epoch: int
    seq: int
    part: int

    @property
    def order(self) -> Order:
        """The frame's place in its stream."""
        return (self.epoch, self.seq)


class Span(NamedTuple):
    """Times of capture, in Unix nanoseconds, both included."""

    first_ns: int
    last_ns: int


class Stored(Protocol):
    """One table, asked what it holds."""

    def newest(self, since_ns: Mapping[str, int]) -> Mapping[str, Order]:
        """The newest frame of each stream among its rows captured at or after a time, if it has any."""
        ...

    def present(self, spans: Mapping[str, Span]) -> set[Key]:
        """The keys of all rows of these streams captured in these spans."""
        ...


class Item(Protocol):
    """What is filtered: a message about a frame."""

    @property
    def stream_id(self) -> str:
        """The stream."""
        ...

    @property
    def epoch(self) -> int:
        """Epoch of the frame."""
        ...

    @property
    def seq(self) -> int:
        """Number of the frame."""
        ...

    @property
    def captured_at_ns(self) -> int:
        """Its time of capture: always the same for the same frame."""
        ...


ItemT = TypeVar("ItemT", bound=Item)


@dataclass(slots=True)
class _Front:
    since_ns: int
    newest: Order
    parts: set[int] | None = None  # of the newest frame, if it came after the table was asked


class RepeatFilter(Generic[ItemT]):
    """Keeps what a table does not have; one for each table, used by one thread.

    Args:
        part: Which of a frame's messages one is.
    """

    def __init__(self, part: Callable[[ItemT], int]) -> None:
        self._part = part
        self._fronts: dict[str, _Front] = {}

    def forget(self) -> None:
        """Remember nothing: another writer may have written since."""
        self._fronts.clear()

    def fresh(self, items: Sequence[ItemT], stored: Stored, *, look_up_all: bool) -> list[ItemT]:
        """The items that the table lacks, the first of each key, in any order.

        Args:
            items: What may be new.
            stored: The table.
            look_up_all: Trust no front: parts of these items may be in the table without an order.
        """
        self._extend(items, stored)
        sure: list[ItemT] = []
        doubtful: list[ItemT] = []
        for item in items:
            is_new = self._advances(self._fronts[item.stream_id], (item.epoch, item.seq), item)
            (sure if is_new and not look_up_all else doubtful).append(item)
        if doubtful:
            sure += self._looked_up(doubtful, sure, stored)
        return sure

    def _advances(self, front: _Front, order: Order, item: ItemT) -> bool:
        """Whether an item is beyond its stream's front, which then is moved to it."""
        if order > front.newest:
            front.newest, front.parts = order, {self._part(item)}
            return True
        if order < front.newest or front.parts is None:
            return False
        part = self._part(item)
        is_new = part not in front.parts
        front.parts.add(part)
        return is_new

    def _extend(self, items: Iterable[ItemT], stored: Stored) -> None:
        """Make the fronts reach back behind every item."""
        since: dict[str, int] = {}
        for item in items:
            front = self._fronts.get(item.stream_id)
            if front is None or item.captured_at_ns < front.since_ns:
                at_ns = max(0, item.captured_at_ns - SLACK_NS)
                since[item.stream_id] = min(at_ns, since.get(item.stream_id, at_ns))
        if not since:
            return
        newest = stored.newest(since)
        for stream_id, since_ns in since.items():
            found = newest.get(stream_id, (-1, -1))
            front = self._fronts.get(stream_id)
            if front is None or found > front.newest:
                self._fronts[stream_id] = _Front(since_ns, found)
            else:
                front.since_ns = since_ns

    def _looked_up(self, doubtful: Iterable[ItemT], sure: Iterable[ItemT], stored: Stored) -> list[ItemT]:
        spans: dict[str, Span] = {}
        for item in doubtful:
            at_ns = item.captured_at_ns
            span = spans.get(item.stream_id, Span(at_ns, at_ns))
            spans[item.stream_id] = Span(min(span.first_ns, at_ns), max(span.last_ns, at_ns))
        have = stored.present(spans)
        have |= {self._key(item) for item in sure}
        missing = []
        for item in doubtful:
            key = self._key(item)
            if key not in have:
                have.add(key)
                missing.append(item)
        return missing

    def _key(self, item: ItemT) -> Key:
        return Key(item.stream_id, item.epoch, item.seq, self._part(item))

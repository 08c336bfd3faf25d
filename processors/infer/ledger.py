"""Which offsets of the input may be committed while many records are under way at once."""

from collections import deque
from dataclasses import dataclass, field


@dataclass
class _Record:
    offset: int
    done: bool = False


@dataclass
class OffsetLedger:
    """Keeps records in the order in which they were read and commits only unbroken runs of finished ones.

    Committing an offset says that everything before it is finished, so one slow record holds back all
    that follow it in its partition, and no other partition.
    """

    _open: dict[int, deque[_Record]] = field(default_factory=dict)
    _by_offset: dict[tuple[int, int], _Record] = field(default_factory=dict)
    _next: dict[int, int] = field(default_factory=dict)

    def read(self, partition: int, offset: int) -> None:
        """A record was read; offsets of a partition come in rising order."""
        record = _Record(offset)
        self._open.setdefault(partition, deque()).append(record)
        self._by_offset[partition, offset] = record

    def finish(self, partition: int, offset: int) -> None:
        """All outputs of the record are stored by the broker. One that was dropped meanwhile is ignored."""
        record = self._by_offset.pop((partition, offset), None)
        if record is None:
            return
        record.done = True
        run = self._open[partition]
        while run and run[0].done:
            self._next[partition] = run.popleft().offset + 1

    def drop(self, partition: int) -> None:
        """The partition belongs to another member now; forget its records."""
        for record in self._open.pop(partition, ()):
            self._by_offset.pop((partition, record.offset), None)
        self._next.pop(partition, None)

    def holds(self, partition: int, offset: int) -> bool:
        """Whether the record is still ours to finish."""
        return (partition, offset) in self._by_offset

    def take_committable(self) -> dict[int, int]:
        """The next offset to read, for each partition that moved on since the last call."""
        moved, self._next = self._next, {}
        return moved

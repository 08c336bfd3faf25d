"""Which offsets of the input may be committed while many records are under way at once."""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class _Assignment:
    """A partition from the moment at which the group gave it to us until it is taken away."""

    open: deque["Claim"] = field(default_factory=deque)
    next_offset: int | None = None


@dataclass(eq=False, slots=True)
class Claim:
    """One record as it was read in one assignment; the same record read in another one is another claim."""

    partition: int
    offset: int
    assignment: _Assignment
    done: bool = False


@dataclass
class OffsetLedger:
    """Keeps records in the order in which they were read and commits only unbroken runs of finished ones.

    Committing an offset says that everything before it is finished, so one slow record holds back all
    that follow it in its partition, and no other partition.

    A group often takes a partition away and gives it back at once. Then records are read again whose first
    reading is still under way. Partition and offset do not tell the two apart, so a claim does.
    """

    _assignments: dict[int, _Assignment] = field(default_factory=dict)

    @property
    def partitions(self) -> Collection[int]:
        """The partitions that are ours."""
        return self._assignments.keys()

    def assign(self, partition: int) -> None:
        """The partition is ours from now on; what was read of it before is not."""
        self._assignments[partition] = _Assignment()

    def drop(self, partition: int) -> None:
        """The partition is not ours any more; forget its records."""
        self._assignments.pop(partition, None)

    def read(self, partition: int, offset: int) -> Claim | None:
        """A record was read, the next of its partition; None if the partition is not ours."""
        assignment = self._assignments.get(partition)
        if assignment is None:
            return None
        claim = Claim(partition, offset, assignment)
        assignment.open.append(claim)
        return claim

    def holds(self, claim: Claim) -> bool:
        """Whether the record is still ours to finish."""
        return self._assignments.get(claim.partition) is claim.assignment

    def finish(self, claim: Claim) -> None:
        """All outputs of the record are stored by the broker. One that is not held any more is ignored."""
        claim.done = True
        run = claim.assignment.open
        while run and run[0].done:
            claim.assignment.next_offset = run.popleft().offset + 1

    def take_committable(self) -> dict[int, int]:
        """The next offset to read, for each partition that moved on since the last call."""
        moved = {}
        for partition, assignment in self._assignments.items():
            if assignment.next_offset is not None:
                moved[partition], assignment.next_offset = assignment.next_offset, None
        return moved

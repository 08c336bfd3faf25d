"""The states of one partition's keys, and what one record does to them. Pure but for its clock."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol

from schemas.dead_letters import DeadLetter
from schemas.wire import DecodeError
from sightline.stateful.facts import PartitionFacts, Snapshot
from sightline.stateful.older import OlderEpochs
from sightline.stateful.stage import KeyCounters, M, S, Stage

Headers = Sequence[tuple[str, bytes]]


class Record(Protocol):
    """The part of a consumed record that the driver looks at."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""
        ...

    @property
    def key(self) -> bytes | None:
        """The stream."""
        ...

    @property
    def value(self) -> bytes | None:
        """What the stage decodes."""
        ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record on its way out; without a partition murmur2 of the key chooses one."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes
    headers: Headers = ()


@dataclass(slots=True)
class _Entry(Generic[S]):
    state: S | None
    offset: int
    epoch: int = -1
    seq: int = -1
    processed: int = 0
    repeats: int = 0
    dead_letters: int = 0
    older: OlderEpochs = field(default_factory=OlderEpochs)
    dirty: bool = False


class Book(Generic[S, M]):
    """All keys of one partition.

    Args:
        stage: The stage.
        partition: Number of the partition.
        facts: What the changelog says; snapshots are decoded when their key is first needed.
        dead_letter_topic: Where bad records go.
        dead_letter_partitions: How many partitions it has.
        clock_ns: Unix time, for the time in dead letters.
    """

    def __init__(
        self,
        stage: Stage[S, M],
        partition: int,
        facts: PartitionFacts,
        dead_letter_topic: str,
        dead_letter_partitions: int,
        clock_ns: Callable[[], int],
    ) -> None:
        self._stage = stage
        self._partition = partition
        self._facts = facts
        self._dead_letter_topic = dead_letter_topic
        self._dead_letter_partition = partition % dead_letter_partitions
        self._clock_ns = clock_ns
        self._entries: dict[bytes, _Entry[S]] = {}
        self._dirty: list[bytes] = []
        self._orphans = 0

    def apply(self, record: Record) -> Sequence[Outgoing]:
        """Step one record; returns what it publishes, nothing if it is in the state already."""
        key = record.key
        entry = None if key is None else self._entry(key)
        if entry is not None and record.offset <= entry.offset:
            return ()  # a replay of what the snapshot holds; its outputs were stored before that
        if not key or not record.value:
            return self._refuse(record, entry, "message: the key or the value is empty")
        try:
            message = self._stage.decode(key, record.value)
        except DecodeError as error:
            return self._refuse(record, entry, str(error))
        order = self._stage.order(message)
        if entry is None:
            entry = self._entries[key] = _Entry(None, record.offset)
        self._touch(key, entry, record.offset)
        if order <= (entry.epoch, entry.seq):
            if order[0] == entry.epoch or not entry.older.skip(*order):
                entry.repeats += 1
            return ()
        if entry.epoch not in (-1, order[0]):
            entry.older.leave(entry.epoch, entry.seq)
        entry.state, outputs = self._stage.step(entry.state, message)
        entry.epoch, entry.seq = order
        entry.processed += 1
        return [
            Outgoing(output.topic, self._partition, key, output.value)
            if output.key is None
            else Outgoing(output.topic, None, output.key, output.value)
            for output in outputs
        ]

    def offsets(self) -> dict[bytes, int]:
        """The offset of each key's last message, whether its snapshot is stored yet or not."""
        offsets = {key: snapshot.offset for key, snapshot in self._facts.snapshots.items()}
        offsets.update((key, entry.offset) for key, entry in self._entries.items())
        return offsets

    def snapshots(self, generation: int, owner: str) -> Iterator[tuple[bytes, Snapshot]]:
        """A snapshot of each key that has changed since the last call; from then on it has not."""
        dirty, self._dirty = self._dirty, []
        for key in dirty:
            entry = self._entries[key]
            entry.dirty = False
            assert entry.state is not None, "only keys with a state are touched"
            yield (
                key,
                Snapshot(
                    offset=entry.offset,
                    epoch=entry.epoch,
                    seq=entry.seq,
                    processed=entry.processed,
                    repeats=entry.repeats,
                    dead_letters=entry.dead_letters,
                    generation=generation,
                    owner=owner,
                    state=self._stage.encode_state(entry.state),
                    older=entry.older.packed(),
                ),
            )

    def counters(self) -> Mapping[str, KeyCounters]:
        """The counters of every key that was seen since the partition was taken over."""
        counters = {
            key.decode(errors="replace"): KeyCounters(
                entry.processed,
                entry.repeats,
                entry.dead_letters,
                entry.epoch,
                entry.seq,
                entry.older.skipped(),
            )
            for key, entry in self._entries.items()
        }
        if self._orphans:
            counters[""] = KeyCounters(dead_letters=self._orphans)
        return counters

    def _entry(self, key: bytes) -> _Entry[S] | None:
        entry = self._entries.get(key)
        if entry is None and (stored := self._facts.snapshots.get(key)) is not None:
            entry = self._entries[key] = _Entry(
                self._stage.decode_state(stored.state),
                stored.offset,
                stored.epoch,
                stored.seq,
                stored.processed,
                stored.repeats,
                stored.dead_letters,
                OlderEpochs(stored.older),
            )
        return entry

    def _touch(self, key: bytes, entry: _Entry[S], offset: int) -> None:
        entry.offset = offset
        if not entry.dirty:
            entry.dirty = True
            self._dirty.append(key)

    def _refuse(self, record: Record, entry: _Entry[S] | None, reason: str) -> Sequence[Outgoing]:
        if entry is None or record.key is None:
            self._orphans += 1  # by key they would fill the memory: anybody can make up keys
        else:
            self._touch(record.key, entry, record.offset)
            entry.dead_letters += 1
        letter = DeadLetter.about(
            record.key,
            record.value or b"",
            reason=reason,
            stage=self._stage.name,
            topic=self._stage.input_topic,
            partition=self._partition,
            offset=record.offset,
            at_ns=self._clock_ns(),
        )
        return (
            Outgoing(
                self._dead_letter_topic,
                self._dead_letter_partition,
                record.key,
                letter.value,
                letter.headers(),
            ),
        )

"""The Faust table that holds the snapshots: Faust decides what to read, this keeps it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from faust.stores.base import Store
from faust.tables.table import Table
from faust.types import TP, EventT

from sightline.errors import SightlineError
from sightline.stateful.facts import PartitionFacts


class SnapshotStore(Store[bytes, bytes]):
    """Facts per partition, in memory, and how far each changelog partition has been read or written."""

    def __post_init__(self) -> None:
        """Start empty."""
        self._facts: dict[int, PartitionFacts] = {}
        self._read: dict[int, int] = {}
        self._bad: dict[int, SightlineError] = {}

    def facts(self, partition: int) -> PartitionFacts:
        """What is known of a partition; raises `SightlineError` if its changelog holds foreign records."""
        if partition in self._bad:
            raise self._bad[partition]
        return self._facts.setdefault(partition, PartitionFacts())

    def apply_changelog_batch(
        self,
        batch: Iterable[EventT[Any]],
        to_key: Callable[[Any], Any],
        to_value: Callable[[Any], Any],
    ) -> None:
        """Learn from changelog records; called by Faust's recovery, which swallows what is raised here."""
        for event in batch:
            message = event.message
            try:
                if message.key is not None and message.value is not None:
                    self._facts.setdefault(message.partition, PartitionFacts()).learn(
                        message.key, message.value
                    )
            except SightlineError as error:
                self._bad[message.partition] = error
            self.advance(message.partition, message.offset)

    def advance(self, partition: int, offset: int) -> None:
        """Remember that the changelog is known up to an offset."""
        self._read[partition] = max(offset, self._read.get(partition, -1))

    def persisted_offset(self, tp: TP) -> int | None:
        """Where recovery goes on reading, so that a rebalance reads only what is new."""
        return self._read.get(tp.partition)

    def keep(self, partitions: set[int]) -> None:
        """Forget all other partitions."""
        for known in (self._facts, self._read, self._bad):
            for partition in set(known) - partitions:
                del known[partition]

    # Faust counts and clears stores as mappings; nothing looks up single keys.
    def __len__(self) -> int:
        return len(self._facts)

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def __getitem__(self, key: bytes) -> bytes:
        raise KeyError(key)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        raise TypeError("snapshots are written by lanes")

    def __delitem__(self, key: bytes) -> None:
        raise KeyError(key)

    def _clear(self) -> None:
        self.keep(set())

    # Nothing is on disk.
    def reset_state(self) -> None:
        """Do nothing."""

    async def backup_partition(
        self, tp: TP | int, flush: bool = True, purge: bool = False, keep: int = 1
    ) -> None:
        """Do nothing."""

    def restore_backup(self, tp: TP | int, latest: bool = True, backup_id: int = 0) -> None:
        """Do nothing."""


class SnapshotTable(Table[bytes, bytes]):
    """A table whose store is a `SnapshotStore`."""

    def _new_store(self) -> SnapshotStore:
        return SnapshotStore(
            "memory://",
            self.app,
            self,
            table_name=self.name,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            loop=self.loop,
        )

    @property
    def snapshots(self) -> SnapshotStore:
        """The store."""
        store = self.data
        assert isinstance(store, SnapshotStore)
        return store

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Forget partitions of the changelog that are no longer ours, as owner or as standby."""
        name = self.changelog_topic_name
        self.snapshots.keep({tp.partition for tp in assigned if tp.topic == name})
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

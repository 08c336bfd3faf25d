"""One partition's way through the stage: take records, step, store outputs, snapshot.

The order that everything rests on: a step's outputs are stored before any snapshot that includes it, and
snapshots before the mark that relies on them. Snapshots are stored while the next records are stepped.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from sightline.errors import SightlineError
from sightline.stateful.book import Book, Outgoing, Record
from sightline.stateful.facts import (
    MARK_KEY,
    Mark,
    PartitionFacts,
    Snapshot,
    encode_mark,
    encode_snapshot,
    needs_of,
    snapshot_key,
)
from sightline.stateful.outbox import Outbox
from sightline.stateful.stage import DriverConfig, KeyCounters, M, Probe, S

_LOG = logging.getLogger("sightline.stateful")
_ENCODE_SLICE = 16  # snapshots encoded before other lanes get a turn


@dataclass(frozen=True, slots=True)
class LaneHooks:
    """What a lane tells its surroundings.

    Attributes:
        on_full: So many records are waiting that fetching should pause.
        on_room: Fetching may go on.
        on_stored: The partition's changelog has grown up to this offset (-1 if unknown).
        on_failed: The lane cannot go on.
    """

    on_full: Callable[[], None]
    on_room: Callable[[], None]
    on_stored: Callable[[int], None]
    on_failed: Callable[[BaseException], None]


class Lane(Generic[S, M]):
    """One assigned partition, from its assignment to its revocation; used from one event loop.

    Args:
        book: The states.
        facts: What is known of the partition; grows with each snapshot stored.
        partition: Its number.
        changelog_topic: Where snapshots go, to the same partition number.
        outbox: The way to Kafka.
        config: Limits and intervals.
        generation: Generation of the group in which the partition was assigned.
        owner: Name of this worker.
        hooks: The surroundings.
        probe: Told where the lane is; tests kill the process there.
        clock_s: Monotonic seconds.
    """

    def __init__(
        self,
        book: Book[S, M],
        facts: PartitionFacts,
        partition: int,
        changelog_topic: str,
        outbox: Outbox,
        config: DriverConfig,
        generation: int,
        owner: str,
        hooks: LaneHooks,
        probe: Probe,
        clock_s: Callable[[], float],
    ) -> None:
        self._book = book
        self._facts = facts
        self._partition = partition
        self._changelog_topic = changelog_topic
        self._outbox = outbox
        self._config = config
        self._generation = generation
        self._owner = owner
        self._hooks = hooks
        self._probe = probe
        self._clock_s = clock_s
        self._pending: deque[Record] = deque()
        self._pending_bytes = 0
        self._full = False
        self._wake = asyncio.Event()
        self._closing = False
        self._position = -1  # the last offset that is stepped, with its outputs stored
        self._marked = -1  # the last offset that a stored mark stands for
        self._due_s = clock_s() + config.snapshot_interval_s
        self._snapshot: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._run(), name=f"lane-{partition}")
        self._task.add_done_callback(self._report)

    @property
    def committable(self) -> int | None:
        """The offset to commit for the group, for those who watch its lag; None before the first mark."""
        return self._marked + 1 if self._marked >= 0 else None

    def counters(self) -> Mapping[str, KeyCounters]:
        """The counters of the keys seen here."""
        return self._book.counters()

    def offer(self, records: Sequence[Record]) -> None:
        """Hand over fetched records, in offset order."""
        self._pending.extend(records)
        self._pending_bytes += sum(len(record.value or b"") for record in records)
        if not self._full and self._load() >= 1:
            self._full = True
            self._hooks.on_full()
        self._wake.set()

    async def close(self) -> None:
        """Finish the records under way, snapshot, and end; records not begun are left to the next owner."""
        self._closing = True
        self._wake.set()
        await self._task

    def abandon(self) -> None:
        """End at once. What is already on its way to the broker may still arrive, and does no harm."""
        self._closing = True
        for task in (self._task, self._snapshot):
            if task is not None:
                task.cancel()

    async def _run(self) -> None:
        while not self._closing:
            await self._wait()
            if self._pending and not self._closing:
                await self._advance()
            if self._snapshot_due():
                self._snapshot = asyncio.create_task(self._store_snapshot(*await self._collect()))
                self._snapshot.add_done_callback(self._report)
                self._due_s = self._clock_s() + self._config.snapshot_interval_s
        if self._snapshot is not None:
            await self._snapshot
        if self._position > self._marked:
            await self._store_snapshot(*await self._collect())

    async def _wait(self) -> None:
        if self._pending or self._closing:
            await asyncio.sleep(0)
            return
        self._wake.clear()
        dirty = self._position > self._marked and (self._snapshot is None or self._snapshot.done())
        # Rounded up, or a timer that fires a little early makes this spin.
        timeout_s = max(self._due_s - self._clock_s(), 0.0) + 0.001 if dirty else 1.0
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _snapshot_due(self) -> bool:
        if self._snapshot is not None:
            if not self._snapshot.done():
                return False
            self._snapshot.result()  # one that failed ends the lane
        return self._position > self._marked and self._clock_s() >= self._due_s

    async def _advance(self) -> None:
        outgoing: list[Outgoing] = []
        until_s = self._clock_s() + self._config.batch_budget_s
        for _ in range(min(len(self._pending), self._config.max_batch_records)):
            record = self._pending.popleft()
            self._pending_bytes -= len(record.value or b"")
            outgoing += self._book.apply(record)
            last = record.offset
            if self._clock_s() >= until_s:
                break
        if self._full and self._load() < 0.5:
            self._full = False
            self._hooks.on_room()
        self._probe("before-output")
        if outgoing:
            await self._outbox.store(outgoing)
        self._probe("after-output")
        self._position = last

    async def _collect(self) -> tuple[list[tuple[bytes, Snapshot]], Mark]:
        """Snapshots of what has changed, and their mark; the lane steps nothing meanwhile."""
        snapshots: list[tuple[bytes, Snapshot]] = []
        for key, snapshot in self._book.snapshots(self._generation, self._owner):
            snapshots.append((key, snapshot))
            if len(snapshots) % _ENCODE_SLICE == 0:
                await asyncio.sleep(0)
        # What the mark needs comes from the input, not from what is stored: so it is true whatever fails.
        return snapshots, Mark(self._position, needs_of(self._book.offsets()), self._generation, self._owner)

    async def _store_snapshot(self, snapshots: list[tuple[bytes, Snapshot]], mark: Mark) -> None:
        self._probe("before-snapshot")
        last = await self._write(self._records(snapshots, mark))
        self._probe("after-snapshot")
        for key, snapshot in snapshots:
            self._facts.learn_snapshot(key, snapshot)
        self._facts.mark = mark
        self._hooks.on_stored(last)
        self._marked = mark.offset

    def _records(self, snapshots: list[tuple[bytes, Snapshot]], mark: Mark) -> list[Outgoing]:
        encoded = [(snapshot_key(key), encode_snapshot(snapshot)) for key, snapshot in snapshots]
        for key, value in encoded:
            if len(value) > self._config.max_snapshot_bytes:
                raise SightlineError(
                    f"The state of {key[1:].decode(errors='replace')} takes {len(value)} bytes, over the"
                    f" limit of {self._config.max_snapshot_bytes}.",
                    "Raise max_snapshot_bytes and max.message.bytes of the changelog topic.",
                )
        encoded.append((MARK_KEY, encode_mark(mark)))  # last: it relies on the snapshots
        return [Outgoing(self._changelog_topic, self._partition, key, value) for key, value in encoded]

    async def _write(self, records: list[Outgoing]) -> int:
        return await self._outbox.store_in(self._changelog_topic, self._partition, records)

    def _load(self) -> float:
        return max(
            len(self._pending) / self._config.max_pending_records,
            self._pending_bytes / self._config.max_pending_bytes,
        )

    def _report(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._hooks.on_failed(error)

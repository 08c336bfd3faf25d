"""What a stateful stage gives to the driver, and how the driver is set up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from schemas import topics

S = TypeVar("S")
M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Output:
    """One record that a step publishes.

    Attributes:
        topic: One of the stage's output topics.
        value: The record's bytes; the same state and message must always give the same bytes.
        key: None sends it under the input's key to the input's partition, which keeps a stream in one place.
            Any other key goes to the partition that murmur2 gives it.
    """

    topic: str
    value: bytes
    key: bytes | None = None


class Stage(Protocol[S, M]):
    """A stateful stage as pure functions over one key's state; it does no I/O and reads no clock."""

    @property
    def name(self) -> str:
        """Short name, part of the changelog topic's name and of dead letters; never changes."""
        ...

    @property
    def input_topic(self) -> str:
        """The topic that is read."""
        ...

    @property
    def output_topics(self) -> Sequence[str]:
        """All topics that outputs without a key of their own go to, co-partitioned with the input."""
        ...

    def decode(self, key: bytes, value: bytes) -> M:
        """Read one input record; raises `schemas.wire.DecodeError` if it is not a message of this key."""
        ...

    def order(self, message: M) -> tuple[int, int]:
        """The message's (epoch, seq); one that is not above the state's is a repeat and is skipped."""
        ...

    def step(self, state: S | None, message: M) -> tuple[S, Sequence[Output]]:
        """The next state and the outputs. None is the state of a key that was never seen."""
        ...

    def encode_state(self, state: S) -> bytes:
        """A snapshot of the state: everything that `step` depends on."""
        ...

    def decode_state(self, data: bytes) -> S:
        """The state of a snapshot."""
        ...


@dataclass(frozen=True, slots=True)
class KeyCounters:
    """How far one key has come, counted over its whole life, restarts included.

    Attributes:
        processed: Messages that were stepped.
        repeats: Messages that were skipped as not newer than the state.
        dead_letters: Records of this key that could not be decoded. Those of keys that never had a
            good message are counted together under "", since this worker took over their partition.
        epoch: Epoch of the newest message, or -1.
        seq: Its sequence number, or -1.
        superseded: Messages that were skipped because a newer epoch had begun, and that are no repeats, by
            their epoch; of the last few epochs.
    """

    processed: int = 0
    repeats: int = 0
    dead_letters: int = 0
    epoch: int = -1
    seq: int = -1
    superseded: Mapping[int, int] = field(default_factory=dict)


OnInterval = Callable[[Mapping[str, KeyCounters]], Sequence[Output]]
Probe = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class DriverConfig:
    """How the driver runs a stage.

    Attributes:
        bootstrap: Kafka brokers, `host:port` separated by commas.
        group: Consumer group; the changelog's name begins with it.
        dead_letter_topic: Where records go that the stage cannot decode.
        snapshot_interval_s: Longest time between a change of state and its snapshot; a crash replays at
            most about that much.
        status_interval_s: How often `on_interval` is called.
        session_timeout_s: A member that was silent for this long loses its partitions.
        instance_id: Static membership: a restart within the session time-out moves no partition. It must
            be unique in the group.
        standby_replicas: Other workers that keep a warm copy of each partition's snapshots.
        data_dir: A folder for Faust's files (nothing of worth); None uses a temporary one.
        max_batch_records: Most records stepped before their outputs are sent.
        batch_budget_s: And the most time spent on stepping them; keeps the event loop responsive.
        max_pending_records: Records of one partition held in memory before fetching it pauses.
        max_pending_bytes: The same in bytes.
        fetch_records: Most records taken from the client in one go, over all partitions.
        fetch_pace_s: Shortest time between two such goes. At a low rate it saves a third of the CPU time,
            for so much more delay; at a high rate it costs nothing, as records gather meanwhile.
        output_batch_bytes: Most bytes in one produce batch; below every topic's `max.message.bytes`.
        max_snapshot_bytes: Largest snapshot of one key, `max.message.bytes` of the changelog.
        release_timeout_s: Longest wait for outputs and snapshots when partitions are given back.
        start_timeout_s: Longest wait for a broker at the start.
    """

    bootstrap: str
    group: str
    dead_letter_topic: str = topics.DEAD_LETTERS.name
    snapshot_interval_s: float = 1.0
    status_interval_s: float = 1.0
    session_timeout_s: float = 10.0
    instance_id: str | None = None
    standby_replicas: int = 0
    data_dir: Path | None = None
    max_batch_records: int = 500
    batch_budget_s: float = 0.02
    max_pending_records: int = 2_000
    max_pending_bytes: int = 8 * 1024 * 1024
    fetch_records: int = 1_000
    fetch_pace_s: float = 0.01
    output_batch_bytes: int = 512 * 1024
    max_snapshot_bytes: int = 4 * 1024 * 1024
    release_timeout_s: float = 4.0
    start_timeout_s: float = 60.0

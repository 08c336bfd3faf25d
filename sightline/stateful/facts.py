"""What the changelog says, and what follows from it. Pure.

A changelog partition holds two kinds of records, each a true statement about one partition of the input:

- a snapshot: "the state of key K after all of its messages up to offset N is this";
- a mark: "all messages up to offset W are processed, and the last one of each key K was at offset M[K]".

Neither can become false, whoever writes it and however late, because a stage is a pure function of the
input. So the highest offset wins among the records that are still there, and `resume_offset` compares
the snapshots with the mark: where one is older than the mark needs, reading resumes behind that one.
"""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgpack

from sightline.errors import SightlineError
from sightline.stateful.older import Older

_VERSION: Final = 1
_SNAPSHOT: Final = b"s"
MARK_KEY: Final = b"m"
_NEED: Final = struct.Struct("<8sq")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of one key after all of its messages up to an offset.

    Attributes:
        offset: Input offset of the key's last message in it.
        epoch: Epoch of the newest message in it.
        seq: Its sequence number.
        processed: Messages stepped so far.
        repeats: Messages skipped so far.
        dead_letters: Records refused so far.
        generation: Generation of the group that wrote it; for people who look into the changelog.
        owner: The worker that wrote it; likewise.
        state: The stage's bytes.
        older: What `OlderEpochs` knows.
    """

    offset: int
    epoch: int
    seq: int
    processed: int
    repeats: int
    dead_letters: int
    generation: int
    owner: str
    state: bytes
    older: Older = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a partition has been processed.

    Attributes:
        offset: All messages up to this one are processed and their outputs stored.
        needs: Per key (its `key_hash`) the offset that its snapshot must have reached for that.
        generation: Generation of the group that wrote it.
        owner: The worker that wrote it.
    """

    offset: int
    needs: Mapping[bytes, int]
    generation: int
    owner: str


@dataclass(slots=True)
class PartitionFacts:
    """The best of what is known of one partition: newest snapshot of each key, newest mark."""

    snapshots: dict[bytes, Snapshot] = field(default_factory=dict)
    mark: Mark | None = None

    def learn(self, changelog_key: bytes, value: bytes) -> None:
        """Take in one changelog record; the order in which they come does not matter.

        Raises:
            SightlineError: It is not a record of this driver.
        """
        if changelog_key == MARK_KEY:
            mark = decode_mark(value)
            if self.mark is None or mark.offset >= self.mark.offset:
                self.mark = mark
        elif changelog_key.startswith(_SNAPSHOT):
            self.learn_snapshot(changelog_key[1:], decode_snapshot(value))
        else:
            raise _foreign(f"its key is {changelog_key[:40]!r}")

    def learn_snapshot(self, key: bytes, snapshot: Snapshot) -> None:
        """Keep the snapshot unless a newer one is known."""
        known = self.snapshots.get(key)
        if known is None or snapshot.offset >= known.offset:
            self.snapshots[key] = snapshot


def key_hash(key: bytes) -> bytes:
    """Eight bytes for a key. Two keys with the same ones cost a replay, never a wrong state."""
    return hashlib.blake2b(key, digest_size=8).digest()


def snapshot_key(key: bytes) -> bytes:
    """Key of a snapshot in the changelog."""
    return _SNAPSHOT + key


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Bytes of a snapshot record."""
    packed: bytes = msgpack.packb(
        (
            _VERSION,
            snapshot.offset,
            snapshot.epoch,
            snapshot.seq,
            snapshot.processed,
            snapshot.repeats,
            snapshot.dead_letters,
            snapshot.generation,
            snapshot.owner,
            snapshot.state,
            *(
                [snapshot.older] if snapshot.older else []
            ),  # a snapshot without any is as before there were any
        )
    )
    return packed


def decode_snapshot(value: bytes) -> Snapshot:
    """Read a snapshot record; raises `SightlineError` if it is none."""
    fields = _unpack(value, 10, 11)
    if not all(isinstance(number, int) for number in fields[:7]) or not isinstance(fields[8], bytes):
        raise _foreign("a field of it has the wrong type")
    return replace(Snapshot(*fields[:9]), older=_older(fields[9]) if len(fields) > 9 else ())


def encode_mark(mark: Mark) -> bytes:
    """Bytes of a mark record."""
    needs = b"".join(_NEED.pack(hashed, offset) for hashed, offset in mark.needs.items())
    packed: bytes = msgpack.packb((_VERSION, mark.offset, mark.generation, mark.owner, needs))
    return packed


def decode_mark(value: bytes) -> Mark:
    """Read a mark record; raises `SightlineError` if it is none."""
    offset, generation, owner, needs = _unpack(value, 5)
    if not isinstance(offset, int) or not isinstance(needs, bytes) or len(needs) % _NEED.size:
        raise _foreign("a field of it has the wrong type")
    return Mark(offset, dict(_NEED.iter_unpack(needs)), generation, owner)


def needs_of(offsets: Mapping[bytes, int]) -> dict[bytes, int]:
    """What a mark needs, from the offset of each key's last message."""
    needs: dict[bytes, int] = {}
    for key, offset in offsets.items():
        hashed = key_hash(key)
        needs[hashed] = max(offset, needs.get(hashed, offset))
    return needs


def resume_offset(facts: PartitionFacts) -> int:
    """The first input offset to read again so that no message is missing from any state.

    It is the one behind the mark, unless a snapshot is older than the mark needs, as after a paused
    worker woke up and wrote over it: then the one behind that snapshot. Without a mark it is 0.
    """
    mark = facts.mark
    if mark is None:
        return 0
    have: dict[bytes, int] = {}
    for key, snapshot in facts.snapshots.items():
        hashed = key_hash(key)
        have[hashed] = min(snapshot.offset, have.get(hashed, snapshot.offset))
    resume = mark.offset + 1
    for hashed, need in mark.needs.items():
        reached = have.get(hashed, -1)
        if reached < need:
            resume = min(resume, reached + 1)
    return resume


def _older(rows: Any) -> Older:
    if not isinstance(rows, list) or not all(
        isinstance(row, list) and len(row) == 3 and all(isinstance(number, int) for number in row)
        for row in rows
    ):
        raise _foreign("its older epochs are no rows of three numbers")
    return tuple((epoch, seq, skipped) for epoch, seq, skipped in rows)


def _unpack(value: bytes, *lengths: int) -> list[Any]:
    try:
        fields = msgpack.unpackb(value)
    except (ValueError, msgpack.UnpackException) as error:
        raise _foreign("it is not MessagePack") from error
    if not isinstance(fields, list) or len(fields) not in lengths or fields[0] != _VERSION:
        raise _foreign(f"it is not a list of {lengths[0]} that begins with version {_VERSION}")
    return fields[1:]


def _foreign(why: str) -> SightlineError:
    return SightlineError(
        f"The changelog holds a record that this version did not write: {why}.",
        "Check that no other application uses the same group and stage names, or start with a new group.",
    )

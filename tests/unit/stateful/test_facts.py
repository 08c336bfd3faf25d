"""What follows from a changelog: any true records, in any order, lead to the state of an undisturbed run."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.wire import DecodeError
from sightline.errors import SightlineError
from sightline.stateful import Output
from sightline.stateful.book import Book, Outgoing
from sightline.stateful.facts import (
    MARK_KEY,
    Mark,
    PartitionFacts,
    Snapshot,
    decode_mark,
    decode_snapshot,
    encode_mark,
    encode_snapshot,
    key_hash,
    needs_of,
    resume_offset,
    snapshot_key,
)

int64 = st.integers(0, 2**63 - 1)
KEYS = [b"a", b"b", b"c"]


@dataclass(frozen=True)
class FakeRecord:
    offset: int
    key: bytes | None
    value: bytes | None


class SumStage:
    """State is the list of all sequence numbers seen: any loss, repeat or change of order shows."""

    name = "sum"
    input_topic = "in"
    output_topics = ("out",)

    def decode(self, key: bytes, value: bytes) -> int:
        if len(value) != 8:
            raise DecodeError("message", "is not eight bytes")
        number: int = struct.unpack("<q", value)[0]
        return number

    def order(self, message: int) -> tuple[int, int]:
        return 0, message

    def step(self, state: tuple[int, ...] | None, message: int) -> tuple[tuple[int, ...], Sequence[Output]]:
        after = (*(state or ()), message)
        return after, (Output("out", repr(after).encode()), Output("alerts", b"hot", key=b"zone-1"))

    def encode_state(self, state: tuple[int, ...]) -> bytes:
        return struct.pack(f"<{len(state)}q", *state)

    def decode_state(self, data: bytes) -> tuple[int, ...]:
        return struct.unpack(f"<{len(data) // 8}q", data)


def new_book(facts: PartitionFacts) -> Book[tuple[int, ...], int]:
    return Book(SumStage(), 3, facts, "dead", 2, lambda: 7)


def records_of(rows: list[tuple[int, int]]) -> list[FakeRecord]:
    return [
        FakeRecord(offset, KEYS[key], struct.pack("<q", number)) for offset, (key, number) in enumerate(rows)
    ]


def states(facts: PartitionFacts, records: Sequence[FakeRecord]) -> dict[bytes, bytes]:
    book = new_book(facts)
    for record in records:
        book.apply(record)
    found = {key: snapshot.state for key, snapshot in facts.snapshots.items()}
    found.update((key, snapshot.state) for key, snapshot in book.snapshots(1, "me"))
    return found


def facts_at(records: Sequence[FakeRecord], end: int) -> list[tuple[bytes, bytes]]:
    """The changelog records that a worker writes which has read `end` records from the beginning."""
    book = new_book(PartitionFacts())
    for record in records[:end]:
        book.apply(record)
    snapshots = list(book.snapshots(1, "me"))
    needs = needs_of({key: snapshot.offset for key, snapshot in snapshots})
    written = [(snapshot_key(key), encode_snapshot(snapshot)) for key, snapshot in snapshots]
    return [*written, (MARK_KEY, encode_mark(Mark(end - 1, needs, 1, "me")))]


@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), min_size=1, max_size=30),
    data=st.data(),
)
def test_whatever_zombies_wrote_and_compaction_dropped_recovery_ends_in_the_same_states(
    rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    records = records_of(rows)
    ends = data.draw(st.lists(st.integers(1, len(records)), max_size=5))
    written = [fact for end in ends for fact in facts_at(records, end)]
    left = data.draw(st.lists(st.sampled_from(written), unique=True)) if written else []
    facts = PartitionFacts()
    for key, value in left:
        facts.learn(key, value)
    assert states(facts, records[resume_offset(facts) :]) == states(PartitionFacts(), records)


def test_an_older_snapshot_on_top_moves_the_resume_offset_behind_it() -> None:
    records = records_of([(0, 1), (1, 1), (0, 2), (1, 2), (1, 3)])
    newer, older = facts_at(records, 5), facts_at(records, 2)
    facts = PartitionFacts()
    for key, value in newer:
        facts.learn(key, value)
    assert resume_offset(facts) == 5
    compacted = dict(newer) | {key: value for key, value in older if key == snapshot_key(b"a")}
    facts = PartitionFacts()
    for key, value in compacted.items():
        facts.learn(key, value)
    assert resume_offset(facts) == 1
    assert states(facts, records[1:]) == states(PartitionFacts(), records)


def test_without_a_mark_everything_is_read() -> None:
    assert resume_offset(PartitionFacts()) == 0


@given(st.tuples(int64, int64, int64, int64, int64, int64, st.integers(-1, 2**31)), st.text(), st.binary())
def test_snapshots_survive_their_bytes(numbers: tuple[int, ...], owner: str, state: bytes) -> None:
    snapshot = Snapshot(*numbers, owner=owner, state=state)
    assert decode_snapshot(encode_snapshot(snapshot)) == snapshot


@given(int64, st.dictionaries(st.binary(max_size=20), int64), st.text())
def test_marks_survive_their_bytes(offset: int, offsets: dict[bytes, int], owner: str) -> None:
    mark = Mark(offset, needs_of(offsets), 4, owner)
    assert decode_mark(encode_mark(mark)) == mark
    assert all(mark.needs[key_hash(key)] == at for key, at in offsets.items())


@given(st.binary())
def test_foreign_bytes_are_refused(value: bytes) -> None:
    for decode in (decode_snapshot, decode_mark):
        with pytest.raises(SightlineError, match="did not write"):
            decode(value)


def test_foreign_keys_are_refused() -> None:
    with pytest.raises(SightlineError, match="did not write"):
        PartitionFacts().learn(b"x", b"")


def test_a_record_in_the_snapshot_is_not_stepped_again() -> None:
    records = records_of([(0, 1), (0, 2)])
    facts = PartitionFacts()
    for key, value in facts_at(records, 2):
        facts.learn(key, value)
    book = new_book(facts)
    assert [book.apply(record) for record in records] == [(), ()]
    assert list(book.snapshots(1, "me")) == []


def test_outputs_take_the_inputs_place_unless_they_have_a_key() -> None:
    (record,) = records_of([(0, 5)])
    assert new_book(PartitionFacts()).apply(record) == [
        Outgoing("out", 3, b"a", b"(5,)"),
        Outgoing("alerts", None, b"zone-1", b"hot"),
    ]


def test_repeats_and_dead_letters_are_counted_and_the_counts_survive() -> None:
    book = new_book(PartitionFacts())
    good = records_of([(0, 1), (0, 1), (0, 2)])
    bad = [FakeRecord(3, b"a", b"?"), FakeRecord(4, b"stranger", b"?"), FakeRecord(5, None, b"?")]
    letters = [out for record in (*good, *bad) for out in book.apply(record) if out.topic == "dead"]
    assert [letter.value for letter in letters] == [b"?"] * 3
    assert {letter.partition for letter in letters} == {1}
    assert dict(letters[0].headers)["reason"] == b"message: is not eight bytes"
    counters = book.counters()
    assert (counters["a"].processed, counters["a"].repeats, counters["a"].dead_letters) == (2, 1, 1)
    assert counters[""].dead_letters == 2
    facts = PartitionFacts()
    for key, snapshot in book.snapshots(1, "me"):
        facts.learn_snapshot(key, snapshot)
    heir = new_book(facts)
    heir.apply(FakeRecord(6, b"a", struct.pack("<q", 3)))
    assert (heir.counters()["a"].processed, heir.counters()["a"].repeats) == (3, 1)


class EpochStage(SumStage):
    """As its father, with an epoch in the high half of each number."""

    def order(self, message: int) -> tuple[int, int]:
        return message >> 32, message & 0xFFFFFFFF


def test_messages_of_an_older_epoch_are_superseded_unless_they_are_repeats_and_the_count_survives() -> None:
    def record(offset: int, epoch: int, seq: int) -> FakeRecord:
        return FakeRecord(offset, b"a", struct.pack("<q", epoch << 32 | seq))

    def book(facts: PartitionFacts) -> Book[tuple[int, ...], int]:
        return Book(EpochStage(), 3, facts, "dead", 2, lambda: 0)

    facts = PartitionFacts()
    first = book(facts)
    orders = [(1, 0), (1, 1), (2, 0), (1, 1), (1, 2), (2, 1), (1, 3), (1, 3)]
    for offset, order in enumerate(orders):
        first.apply(record(offset, *order))
    counters = first.counters()["a"]
    assert (counters.processed, counters.repeats, counters.superseded) == (4, 2, {1: 2})
    for key, snapshot in first.snapshots(1, "me"):
        facts.learn_snapshot(key, decode_snapshot(encode_snapshot(snapshot)))
    heir = book(facts)
    for offset, order in ((7, (1, 3)), (8, (1, 3)), (9, (1, 4)), (10, (2, 2))):
        heir.apply(record(offset, *order))  # the first is in the snapshot already
    counters = heir.counters()["a"]
    assert (counters.processed, counters.repeats, counters.superseded) == (5, 3, {1: 3})


def test_a_snapshot_from_before_there_were_older_epochs_is_read() -> None:
    old = Snapshot(1, 2, 3, 4, 5, 6, 7, "me", b"state")
    assert len(msgpack.unpackb(encode_snapshot(old))) == 10
    assert decode_snapshot(encode_snapshot(old)) == old
    new = replace(old, older=((1, 2, 3),))
    assert decode_snapshot(encode_snapshot(new)) == new
    broken = [*msgpack.unpackb(encode_snapshot(old)), [[1, 2]]]
    with pytest.raises(SightlineError, match="older epochs"):
        decode_snapshot(msgpack.packb(broken))

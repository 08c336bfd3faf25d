"""Records gather into units: due by age or size, by topic, and droppable by partition."""

import math

import pytest
from writer_messages import classification, detections, record, tracks

from consumers.writer.gathering import MAX_BYTES, Gathering, read, replayed
from consumers.writer.records import Place, Range, Record
from consumers.writer.sinks import feeds
from schemas.dead_letters import DeadLetter
from schemas.topics import CLASSIFICATIONS, DEAD_LETTERS, DETECTIONS, STREAMS, TRACKS

FEEDS = {feed.topic: feed for feed in feeds(detections=True)}


@pytest.fixture
def gathering() -> Gathering:
    return Gathering(FEEDS.values(), max_rows=100, max_delay_s=1.0)


def test_nothing_is_due_while_nothing_is_here(gathering: Gathering) -> None:
    assert gathering.is_empty
    assert gathering.wait_s(5.0) is None
    assert gathering.units(math.inf) == ()


def test_records_are_due_when_the_first_is_old_enough(gathering: Gathering) -> None:
    gathering.add(record(10, tracks(seq=0).to_bytes()), 5.0, 0)
    gathering.add(record(12, tracks(seq=1).to_bytes()), 5.9, 0)
    assert gathering.wait_s(5.75) == pytest.approx(0.25)
    assert gathering.units(5.75) == ()
    (unit,) = gathering.units(6.0)
    assert unit.ranges == (Range(0, 10, 13),)
    assert [entry.seq for entry in unit.entries] == [0, 1]


def test_what_comes_seldom_waits_longer(gathering: Gathering) -> None:
    gathering.add(record(0, classification().to_bytes(), topic=CLASSIFICATIONS.name), 0.0, 0)
    gathering.add(record(0, tracks().to_bytes()), 0.0, 0)
    assert [unit.topic for unit in gathering.units(1.0)] == [TRACKS.name]
    assert [unit.topic for unit in gathering.units(2.0)] == [TRACKS.name, CLASSIFICATIONS.name]


def test_enough_rows_are_due_at_once_and_all_of_them(gathering: Gathering) -> None:
    gathering.add(record(0, detections(count=60).to_bytes(), topic=DETECTIONS.name), 0.0, 0)
    assert not gathering.is_full
    gathering.add(record(0, tracks(count=39).to_bytes()), 0.0, 0)
    assert gathering.is_full
    assert gathering.wait_s(0.0) == 0.0
    assert len(gathering.units(0.0)) == 2


def test_many_bytes_with_few_rows_are_enough_too() -> None:
    gathering = Gathering(FEEDS.values(), max_rows=10**9, max_delay_s=1.0)
    gathering.add(record(0, b"\xc1" * MAX_BYTES), 0.0, 0)
    assert gathering.is_full


def test_units_stay_until_they_are_dropped(gathering: Gathering) -> None:
    gathering.add(record(0, tracks().to_bytes(), partition=1), 0.0, 0)
    gathering.add(record(7, tracks().to_bytes(), partition=2), 0.5, 0)
    assert gathering.units(math.inf) == gathering.units(math.inf)
    gathering.drop([Place(TRACKS.name, 1), Place(TRACKS.name, 9)])
    (unit,) = gathering.units(math.inf)
    assert unit.ranges == (Range(2, 7, 8),)
    gathering.drop([Place(TRACKS.name, 2)])
    assert gathering.is_empty
    gathering.add(record(8, tracks().to_bytes(), partition=2), 9.0, 0)
    assert gathering.wait_s(9.0) == 1.0


def test_a_record_that_is_read_once_more_is_not_taken_twice(gathering: Gathering) -> None:
    for offset in (3, 4, 3, 4, 5):
        gathering.add(record(offset, tracks(seq=offset).to_bytes()), 0.0, 0)
    (unit,) = gathering.units(math.inf)
    assert [entry.seq for entry in unit.entries] == [3, 4, 5]


def test_what_cannot_be_read_becomes_a_letter_in_the_same_unit(gathering: Gathering) -> None:
    gathering.add(record(0, b"junk", partition=3), 0.0, 77)
    gathering.add(record(1, tracks().to_bytes(), partition=3), 0.0, 77)
    (unit,) = gathering.units(math.inf)
    assert unit.ranges == (Range(3, 0, 2),)
    assert len(unit.entries) == 1
    (letter,) = unit.letters
    assert (letter.value, letter.topic, letter.partition, letter.offset) == (b"junk", TRACKS.name, 3, 0)
    assert (letter.stage, letter.at_ns) == ("write", 77)


def test_a_tombstone_is_neither_a_message_nor_a_letter() -> None:
    tombstone = Record(Place(STREAMS.name, 0), 0, b"k", b"", (), 1, is_tombstone=True)
    assert read(FEEDS[STREAMS.name], tombstone, 0) == (None, None)


def test_an_unreadable_letter_becomes_a_row_about_itself_and_no_letter() -> None:
    entry, letter = read(FEEDS[DEAD_LETTERS.name], record(5, b"junk", 2, DEAD_LETTERS.name), 0)
    assert letter is None
    assert (entry.topic, entry.partition, entry.offset, entry.size_bytes) == (DEAD_LETTERS.name, 2, 5, 4)
    assert entry.at_ns == 1_000_000
    huge = DeadLetter(
        value=b"", key=None, reason="", stage="s", topic="t", partition=2**40, offset=0, at_ns=0
    )
    row = Record(Place(DEAD_LETTERS.name, 0), 1, None, b"", huge.headers(), 1)
    assert read(FEEDS[DEAD_LETTERS.name], row, 0)[0].topic == DEAD_LETTERS.name


def test_a_replayed_unit_is_marked_as_one() -> None:
    ranges = (Range(0, 0, 2),)
    unit = replayed(FEEDS[TRACKS.name], ranges, [record(0, tracks().to_bytes()), record(1, b"junk")], 5)
    assert (unit.replay, unit.ranges, len(unit.entries), len(unit.letters)) == (True, ranges, 1, 1)


def test_without_detections_their_topic_is_not_read() -> None:
    assert DETECTIONS.name not in {feed.topic for feed in feeds(detections=False)}

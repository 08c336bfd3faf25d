"""A message's rows, column by column."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from writer_messages import classification, detections, tracks, truth

from consumers.writer import rows
from schemas.dead_letters import DeadLetter
from schemas.streams import StreamStatus
from schemas.truth import TruthEvent
from schemas.wire import DecodeError
from sightline.clickhouse.native import Block


def column(made: Block, name: str) -> bytes:
    (found,) = [c for c in made.columns if c.name == name]
    assert found.rows == made.rows
    return found.data


def test_each_track_is_a_row_with_the_identity_of_its_frame() -> None:
    made = rows.tracks_block([tracks("a", 7, 2), tracks("bc", 8, 1)])
    assert made.rows == 3
    assert column(made, "stream_id") == b"\x01a\x01a\x02bc"
    assert column(made, "seq") == struct.pack("<3Q", 7, 7, 8)
    assert column(made, "track_id") == struct.pack("<3Q", 1, 2, 1)
    assert column(made, "x1") == struct.pack("<3f", 0, 4, 0)
    assert column(made, "y2") == struct.pack("<3f", 3, 7, 3)
    assert column(made, "label") == b"\x03car" * 3
    assert column(made, "observed") == b"\x01\x01\x01"


def test_a_label_is_that_of_its_track_not_of_its_place() -> None:
    message = tracks(count=3, labels=("car", "bus"), label_ids=np.array([1, 0, 1], np.uint16))
    assert column(rows.tracks_block([message]), "label") == b"\x03bus\x03car\x03bus"


def test_each_detection_is_a_row_with_its_place_in_the_frame() -> None:
    made = rows.detections_block([detections("a", 1, 2), detections("a", 2, 1)])
    assert column(made, "index") == struct.pack("<3H", 0, 1, 0)
    assert column(made, "label") == b"\x03bus" * 3
    assert column(made, "class_id") == struct.pack("<3H", 3, 3, 3)


def test_a_frame_is_a_row_with_its_counts_and_delays() -> None:
    made = rows.frames_block([tracks(count=2), tracks(seq=1, count=0)], written_at_ns=11_000_000)
    assert made.rows == 2
    assert column(made, "tracks") == struct.pack("<2H", 2, 0)
    assert column(made, "publish_ms") == b"\x00\x00" + struct.pack("<2f", 2.5, 2.5)
    assert column(made, "infer_ms") == b"\x01\x01" + struct.pack("<2f", 0, 0)
    assert column(made, "track_ms") == b"\x00\x00" + struct.pack("<2f", 8, 8)
    assert column(made, "write_ms") == b"\x00\x00" + struct.pack("<2f", 10, 10)
    assert column(made, "captured_wall_at") == b"\x00\x00" + struct.pack("<2q", 1_000_000, 1_000_000)


def test_what_the_tracker_left_out_is_kept_by_reason() -> None:
    full = tracks(left_out={"detections_over_limit": 2**40, "tracks_full": 3})
    made = rows.frames_block([tracks(), full, tracks()], 5)
    counts = b"\x15detections_over_limit" + b"\x0btracks_full" + struct.pack("<2Q", 2**40, 3)
    assert column(made, "left_out") == struct.pack("<3Q", 0, 2, 2) + counts


def test_a_frame_without_a_trace_has_no_delays() -> None:
    assert rows.delays_ms((), 5) == {}
    made = rows.frames_block([replace(tracks(), trace=())], 5)
    assert column(made, "write_ms")[0] == 1
    assert column(made, "captured_wall_at")[0] == 1


def test_the_largest_numbers_of_a_message_fit() -> None:
    message = tracks(count=1, epoch=2**63 - 1, seq=2**63 - 1, track_ids=np.array([2**63 - 1], np.uint64))
    made = rows.tracks_block([message])
    for name in ("epoch", "seq", "track_id"):
        assert column(made, name) == struct.pack("<Q", 2**63 - 1)


def test_a_classification_is_a_row() -> None:
    made = rows.classifications_block([classification(3, 9)])
    assert column(made, "track_id") == struct.pack("<Q", 9)
    assert column(made, "previous") == b"\x01\x00"


def test_each_object_of_the_truth_is_a_row() -> None:
    made = rows.truth_block([truth(3, 2), truth(4, 1)])
    assert column(made, "seq") == struct.pack("<3Q", 3, 3, 4)
    assert column(made, "object_id") == struct.pack("<3Q", 10, 11, 10)
    assert column(made, "class") == b"\x03car" * 3
    assert column(made, "attribute") == b"\x07car-red" * 3
    assert column(made, "y2") == struct.pack("<3f", 3, 7, 3)
    assert column(made, "visibility") == struct.pack("<3f", 0.5, 0.5, 0.5)


def test_each_event_of_the_truth_is_a_row_with_its_place_in_the_frame() -> None:
    line = TruthEvent(kind="defined", place="gate", at_ns=1, points=((0.0, 5.0), (9.0, 6.0)))
    crossed = TruthEvent(kind="crossed", place="gate", at_ns=7, object_id=10, direction="forward")
    made = rows.truth_events_block([truth(3, 0, (line, crossed)), truth(4, 1, (crossed,))])
    assert column(made, "seq") == struct.pack("<3Q", 3, 3, 4)
    assert column(made, "index") == struct.pack("<3H", 0, 1, 0)
    assert column(made, "kind") == b"\x07defined" + b"\x07crossed" * 2
    assert column(made, "object_id") == b"\x01\x00\x00" + struct.pack("<3Q", 0, 10, 10)
    assert column(made, "at") == struct.pack("<3q", 1, 7, 7)
    assert column(made, "direction") == b"\x00" + b"\x07forward" * 2
    assert column(made, "xs") == struct.pack("<3Q", 2, 2, 2) + struct.pack("<2f", 0, 9)
    assert column(made, "ys") == struct.pack("<3Q", 2, 2, 2) + struct.pack("<2f", 5, 6)


def test_a_status_is_a_row() -> None:
    status = StreamStatus(
        stream_id="a", epoch=1, stage="s", instance="i", at_ns=5, state="running", counters={"captured": 3}
    )
    made = rows.streams_block([status])
    assert column(made, "counters") == struct.pack("<Q", 1) + b"\x08captured" + struct.pack("<Q", 3)


def test_a_letter_keeps_all_but_its_bytes() -> None:
    letter = DeadLetter(
        value=b"12345", key=None, reason="why", stage="infer", topic="t", partition=2, offset=3, at_ns=4
    )
    made = rows.letters_block([rows.Letter.of(letter)])
    assert column(made, "bytes") == struct.pack("<I", 5)
    assert column(made, "epoch") == b"\x01" + struct.pack("<Q", 0)


def test_a_letter_from_no_partition_is_refused() -> None:
    letter = DeadLetter(
        value=b"", key=None, reason="", stage="s", topic="t", partition=2**31, offset=0, at_ns=0
    )
    with pytest.raises(DecodeError, match="partition"):
        rows.Letter.of(letter)

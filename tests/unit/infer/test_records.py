"""A record becomes a frame, an answer becomes a record."""

from dataclasses import replace

import numpy as np

from processors.infer.client import Analyzed, Labels
from processors.infer.records import InputRecord, decode_frame, detections_of, refuse_frame
from schemas.dead_letters import DeadLetter
from schemas.detections import Detections
from schemas.frames import Frame

FRAME = Frame(
    stream_id="gate",
    epoch=7,
    seq=3,
    captured_at_ns=1_000,
    trace=(("capture", 1_000),),
    width=1280,
    height=720,
    jpeg=b"picture",
)


def record(value: bytes, key: bytes | None = b"gate") -> InputRecord:
    return InputRecord("sightline.frames.v1", 2, 99, key, value)


def answer(boxes: list[list[float]], class_ids: list[int]) -> Analyzed:
    count = len(class_ids)
    return Analyzed(
        np.array(boxes, np.float32).reshape(count, 4),
        np.full(count, 0.5, np.float32),
        np.array(class_ids, np.uint16),
        640,
        360,
    )


def test_boxes_of_a_scaled_down_picture_come_back_in_pixels_of_the_source_frame():
    made = detections_of(FRAME, answer([[10, 20, 30, 40]], [0]), Labels("v", ["car"]), 5_000)
    assert made.boxes.tolist() == [[20, 40, 60, 80]]
    assert (made.width, made.height) == (1280, 720)


def test_detections_carry_the_frames_identity_and_its_trace_with_our_entry():
    made = Detections.from_bytes(detections_of(FRAME, answer([], []), Labels("v", ["car"]), 5_000).to_bytes())
    assert (made.stream_id, made.order, made.captured_at_ns) == ("gate", (7, 3), 1_000)
    assert made.trace == (("capture", 1_000), ("infer", 5_000))


def test_only_classes_that_occur_are_named_and_one_without_a_name_gets_one():
    made = detections_of(
        FRAME, answer([[0, 0, 1, 1], [0, 0, 1, 1]], [1, 9]), Labels("v", ["car", "bus", "van"]), 1
    )
    assert made.names == {1: "bus", 9: "class-9"}
    assert Detections.from_bytes(made.to_bytes()).names == made.names


def test_embeddings_and_probabilities_travel_with_the_names_of_their_columns():
    looks = np.array([[1, 2], [0, 0]], np.float16)
    told = np.array([[0.1, 0.6, 0.3], [0, 0, 0]], np.float32)
    seen = replace(answer([[0, 0, 1, 1], [0, 0, 1, 1]], [0, 0]), embeddings=looks, probabilities=told)
    for attributes, expected in (
        (("red", "blue", "white"),) * 2,
        (("red",), tuple(f"attribute-{n}" for n in range(3))),
    ):
        made = Detections.from_bytes(
            detections_of(FRAME, seen, Labels("v", ["car"], attributes), 1).to_bytes()
        )
        assert made.embeddings is not None
        assert made.probabilities is not None
        assert made.embeddings.tolist() == looks.tolist()
        assert made.probabilities.tolist() == told.tolist()
        assert made.attributes == expected
    assert detections_of(FRAME, answer([], []), Labels("v", ["car"], ("red",)), 1).attributes == ()


def test_what_is_no_frame_becomes_a_dead_letter_that_names_its_stream_by_the_key():
    letter = decode_frame(record(b"\xff\x00garbage"), 42)
    assert isinstance(letter, DeadLetter)
    assert (letter.stream_id, letter.epoch, letter.seq) == ("gate", None, None)
    assert (letter.topic, letter.partition, letter.offset, letter.at_ns) == ("sightline.frames.v1", 2, 99, 42)
    assert letter.value == b"\xff\x00garbage"


def test_a_frame_that_breaks_one_rule_becomes_a_dead_letter_that_says_which_frame_it_is():
    letter = decode_frame(record(replace(FRAME, width=20_000).to_bytes()), 42)
    assert isinstance(letter, DeadLetter)
    assert letter.reason == "width: 20000 is not in 1..16384"
    assert (letter.stream_id, letter.epoch, letter.seq) == ("gate", 7, 3)


def test_a_key_that_is_no_stream_id_is_not_taken_for_one():
    letter = decode_frame(record(b"garbage", key=b"../\xff"), 42)
    assert isinstance(letter, DeadLetter)
    assert letter.stream_id == ""


def test_a_frame_with_a_bad_picture_becomes_a_dead_letter_with_its_identity():
    letter = refuse_frame(record(FRAME.to_bytes()), "truncated JPEG", 42)
    assert (letter.stream_id, letter.epoch, letter.seq, letter.reason) == ("gate", 7, 3, "truncated JPEG")


def test_a_frame_under_another_key_than_its_stream_is_refused():
    letter = decode_frame(record(FRAME.to_bytes(), key=b"yard"), 42)
    assert isinstance(letter, DeadLetter)
    assert "is not the record's key" in letter.reason
    assert isinstance(decode_frame(record(FRAME.to_bytes()), 42), Frame)

from dataclasses import replace
from typing import Any

import msgpack
import pytest

from schemas.dead_letters import HEAD_BYTES, MAX_KEY_BYTES, MAX_REASON_CHARS, DeadLetter
from schemas.topics import DEAD_LETTERS as TOPIC
from schemas.topics import STREAMS
from schemas.unpacking import MAX_MESSAGE_BYTES
from schemas.wire import DecodeError
from tests.unit.golden.samples import DEAD_LETTERS, MESSAGES

LETTER = DEAD_LETTERS["dead_letters.v1"]


def read(**changes: bytes | None) -> DeadLetter:
    headers: dict[str, Any] = dict(LETTER.headers()) | changes
    return DeadLetter.from_record(None, b"", list(headers.items()))


@pytest.mark.parametrize("name", ["reason", "stage", "topic", "partition", "offset", "at_ns"])
def test_a_missing_header_is_named(name: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read(**{name: None})
    assert caught.value.field == name


@pytest.mark.parametrize("name", ["partition", "offset", "at_ns", "epoch", "seq"])
@pytest.mark.parametrize(
    "text", ["", "-1", "1.5", "x", "²", "٣", str(2**63), "9" * 5000, " 1", "1_0", "0" * 40 + "1" * 40]
)
def test_a_header_that_is_no_number_in_range_is_named(name: str, text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read(**{name: text.encode()})
    assert caught.value.field == name


def test_headers_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(DecodeError):
        read(reason=b"\xff")


def test_an_illegal_stream_id_is_refused() -> None:
    with pytest.raises(DecodeError, match="stream_id"):
        read(stream_id=b"a b")


def test_headers_of_others_are_ignored() -> None:
    assert read(traceparent=b"00-11").reason == LETTER.reason


def test_a_long_reason_is_cut_and_one_with_broken_text_is_escaped() -> None:
    broken = DeadLetter(
        value=b"", key=None, reason="\ud800" * 1000, stage="s", topic="t", partition=0, offset=0, at_ns=0
    )
    reason = dict(broken.headers())["reason"].decode()
    assert reason == "\\ud800" * MAX_REASON_CHARS


@pytest.mark.parametrize(
    ("key_bytes", "value_bytes"), [(4, MAX_MESSAGE_BYTES + 1), (MAX_KEY_BYTES + 1, 7), (20 << 20, 20 << 20)]
)
def test_a_letter_about_a_record_over_the_limits_fits_its_topic_and_says_how_long_it_was(
    key_bytes: int, value_bytes: int
) -> None:
    letter = replace(LETTER, key=bytes(key_bytes), value=bytes(value_bytes), size_bytes=None)
    assert not letter.is_whole
    assert letter.size_bytes == value_bytes
    assert max(len(letter.value), len(letter.key or b"")) <= HEAD_BYTES
    again = DeadLetter.from_record(letter.key, letter.value, letter.headers())
    assert again == letter


def test_a_letter_about_the_largest_records_is_whole_and_fits_its_topic() -> None:
    letter = replace(LETTER, key=bytes(MAX_KEY_BYTES), value=bytes(MAX_MESSAGE_BYTES))
    headers = sum(len(name) + len(value) + 10 for name, value in letter.headers())
    assert letter.is_whole
    assert len(letter.value) + MAX_KEY_BYTES + headers + 200 < TOPIC.max_message_bytes


def about(key: bytes | None, value: bytes, topic: str = "t") -> DeadLetter:
    return DeadLetter.about(key, value, reason="r", stage="s", topic=topic, partition=1, offset=2, at_ns=3)


@pytest.mark.parametrize("topic", [MESSAGES[name] for name in ("frames.v1", "detections.v1", "tracks.v1")])
@pytest.mark.parametrize(
    "broken", [{"width": 20_000}, {"width": "wide"}, {"trace": [["a", "b"]]}, {"height": None}]
)
def test_a_letter_about_a_broken_message_says_which_frame_it_was(topic: Any, broken: dict[str, Any]) -> None:
    fields = msgpack.unpackb(topic.to_bytes()) | broken
    letter = about(b"another", msgpack.packb(fields))
    assert (letter.stream_id, letter.epoch, letter.seq) == (topic.stream_id, topic.epoch, topic.seq)


@pytest.mark.parametrize(
    "broken", [{"stream_id": "a b"}, {"epoch": -1}, {"seq": 1.5}, {"seq": 2**63}, {"version": 2}]
)
def test_a_letter_about_a_message_without_an_identity_says_whose_it_was_by_the_key(
    broken: dict[str, Any],
) -> None:
    fields = msgpack.unpackb(MESSAGES["frames.v1"].to_bytes()) | broken
    letter = about(b"gate", msgpack.packb(fields))
    assert (letter.stream_id, letter.epoch, letter.seq) == ("gate", None, None)


@pytest.mark.parametrize(
    ("key", "topic", "stream_id"),
    [
        (b"gate", "t", "gate"),
        (b"gate/capture", STREAMS.name, "gate"),
        (b"gate/capture", "t", ""),
        (b"\xff", "t", ""),
        (None, "t", ""),
        (b"x" * 65, "t", ""),
        (b"/capture", STREAMS.name, ""),
    ],
)
def test_garbage_belongs_to_the_stream_that_its_key_names(
    key: bytes | None, topic: str, stream_id: str
) -> None:
    assert about(key, b"\xc1garbage", topic).stream_id == stream_id

"""Messages into blocks of rows, one function for each table; column order is that of the table.

The rows of one message stay together and in the message's order. Pure: the only clock is an argument.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.classifications import Classification
from schemas.dead_letters import DeadLetter
from schemas.detections import Detections
from schemas.fields import MAX_INT, Trace
from schemas.streams import StreamStatus
from schemas.tracks import Tracks
from schemas.truth import Truth
from schemas.wire import DecodeError, StreamMessage
from sightline.clickhouse.native import (
    Block,
    Column,
    block,
    counters,
    nullable_numbers,
    nullable_texts,
    number_lists,
    numbers,
    string,
    texts,
)

_TIME: Final = "DateTime64(9, 'UTC')"
_NS_PER_MS: Final = 1e6
_MAX_PARTITION: Final = 2**31 - 1
_MAX_BYTES: Final = 2**32 - 1
_BOX: Final = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True, slots=True)
class Letter:
    """What the table `dead_letters` keeps of a dead letter: all but its bytes.

    Attributes:
        topic: Topic of the record that could not be used.
        partition: Its partition there.
        offset: Its offset there.
        stage: The stage that refused it.
        reason: Why.
        stream_id: Stream of its frame, or "".
        epoch: Epoch of its frame, or None.
        seq: Number of its frame, or None.
        at_ns: When it was refused, in Unix nanoseconds.
        size_bytes: Its length.
    """

    topic: str
    partition: int
    offset: int
    stage: str
    reason: str
    stream_id: str
    epoch: int | None
    seq: int | None
    at_ns: int
    size_bytes: int

    @classmethod
    def of(cls, letter: DeadLetter) -> "Letter":
        """Keep what the table needs; raises `DecodeError` for numbers that its columns cannot hold."""
        if letter.partition > _MAX_PARTITION:
            raise DecodeError("partition", f"{letter.partition} is no partition")
        for name in ("offset", "at_ns", "epoch", "seq"):
            if (getattr(letter, name) or 0) > MAX_INT:
                raise DecodeError(name, f"{getattr(letter, name)} is not in 0..{MAX_INT}")
        return cls(
            topic=letter.topic,
            partition=letter.partition,
            offset=letter.offset,
            stage=letter.stage,
            reason=letter.reason,
            stream_id=letter.stream_id,
            epoch=letter.epoch,
            seq=letter.seq,
            at_ns=letter.at_ns,
            size_bytes=min(_MAX_BYTES, len(letter.value) if letter.is_whole else letter.size_bytes or 0),
        )


def tracks_block(messages: Sequence[Tracks]) -> Block:
    """Rows of the table `tracks`: one for each track of each message; none of them may be without tracks."""
    counts = [len(message.track_ids) for message in messages]
    return block(
        (
            *_identity(messages, counts),
            numbers("track_id", "UInt64", np.concatenate([m.track_ids for m in messages])),
            *_boxes(messages),
            numbers("score", "Float32", np.concatenate([m.scores for m in messages])),
            _named("label", [(m.label_ids, m.labels) for m in messages]),
            numbers("observed", "Bool", np.concatenate([m.observed for m in messages]).view(np.uint8)),
        )
    )


def detections_block(messages: Sequence[Detections]) -> Block:
    """Rows of the table `detections`: one for each detection; no message may be without any."""
    counts = [len(message.scores) for message in messages]
    labels: list[bytes] = []
    for message in messages:
        names = {class_id: string(name) for class_id, name in message.names.items()}
        labels += [names[class_id] for class_id in message.class_ids.tolist()]
    return block(
        (
            *_identity(messages, counts),
            numbers("index", "UInt16", np.concatenate([np.arange(count) for count in counts])),
            *_boxes(messages),
            numbers("score", "Float32", np.concatenate([m.scores for m in messages])),
            texts("label", labels, len(labels)),
            numbers("class_id", "UInt16", np.concatenate([m.class_ids for m in messages])),
        )
    )


def frames_block(messages: Sequence[Tracks], written_at_ns: int) -> Block:
    """Rows of the table `frames`: one for each message.

    Args:
        messages: The frames.
        written_at_ns: The clock just before the rows are sent, in Unix nanoseconds.
    """
    delays = [delays_ms(message.trace, written_at_ns) for message in messages]
    stages = ("publish", "infer", "track", "write")
    captured = [message.trace[0][1] if message.trace else None for message in messages]
    return block(
        (
            *_identity(messages, None),
            numbers("width", "UInt16", [m.width for m in messages]),
            numbers("height", "UInt16", [m.height for m in messages]),
            numbers("detections", "UInt16", [m.detections for m in messages]),
            numbers("tracks", "UInt16", [len(m.track_ids) for m in messages]),
            counters("left_out", [dict(m.left_out) for m in messages]),
            nullable_numbers("captured_wall_at", _TIME, captured),
            *(nullable_numbers(f"{name}_ms", "Float32", [d.get(name) for d in delays]) for name in stages),
        )
    )


def delays_ms(trace: Trace, written_at_ns: int) -> Mapping[str, float]:
    """Milliseconds from the trace's first entry to each later one, and to the writing; empty without a trace.

    A stage that took the frame twice counts by its last time. Clocks of two machines can differ, so a delay
    can be negative.
    """
    if not trace:
        return {}
    start_ns = trace[0][1]
    found = {stage: (at_ns - start_ns) / _NS_PER_MS for stage, at_ns in trace[1:]}
    found["write"] = (written_at_ns - start_ns) / _NS_PER_MS
    return found


def classifications_block(messages: Sequence[Classification]) -> Block:
    """Rows of the table `classifications`: one for each message."""
    return block(
        (
            *_identity(messages, None),
            numbers("track_id", "UInt64", np.array([m.track_id for m in messages], dtype=np.uint64)),
            texts("label", (string(m.label) for m in messages), len(messages)),
            nullable_texts("previous", [m.previous for m in messages]),
            numbers("confidence", "Float32", [m.confidence for m in messages]),
        )
    )


def truth_block(messages: Sequence[Truth]) -> Block:
    """Rows of the table `truth`: one for each object on each frame; no message may be without any."""
    counts = [len(message.object_ids) for message in messages]
    return block(
        (
            *_identity(messages, counts),
            numbers("object_id", "UInt64", np.concatenate([m.object_ids for m in messages])),
            _named("class", [(m.class_ids, m.classes) for m in messages]),
            _named("attribute", [(m.attribute_ids, m.attributes) for m in messages]),
            *_boxes(messages),
            numbers("visibility", "Float32", np.concatenate([m.visibility for m in messages])),
        )
    )


def truth_events_block(messages: Sequence[Truth]) -> Block:
    """Rows of the table `truth_events`: one for each event; no message may be without any."""
    counts = [len(message.events) for message in messages]
    events = [event for message in messages for event in message.events]
    count = len(events)
    return block(
        (
            *_identity(messages, counts),
            numbers("index", "UInt16", np.concatenate([np.arange(each) for each in counts])),
            texts("kind", (string(event.kind) for event in events), count),
            texts("place", (string(event.place) for event in events), count),
            nullable_numbers("object_id", "UInt64", [event.object_id for event in events]),
            numbers("at", _TIME, np.array([event.at_ns for event in events], dtype=np.int64)),
            texts("direction", (string(event.direction) for event in events), count),
            number_lists("xs", "Float32", [[x for x, _ in event.points] for event in events]),
            number_lists("ys", "Float32", [[y for _, y in event.points] for event in events]),
        )
    )


def streams_block(statuses: Sequence[StreamStatus]) -> Block:
    """Rows of the table `streams`: one for each report."""
    count = len(statuses)
    return block(
        (
            texts("stream_id", (string(s.stream_id) for s in statuses), count),
            texts("stage", (string(s.stage) for s in statuses), count),
            numbers("epoch", "UInt64", np.array([s.epoch for s in statuses], dtype=np.uint64)),
            texts("instance", (string(s.instance) for s in statuses), count),
            numbers("at", _TIME, np.array([s.at_ns for s in statuses], dtype=np.int64)),
            texts("state", (string(s.state) for s in statuses), count),
            texts("message", (string(s.message) for s in statuses), count),
            counters("counters", [dict(s.counters) for s in statuses]),
        )
    )


def letters_block(letters: Sequence[Letter]) -> Block:
    """Rows of the table `dead_letters`: one for each letter."""
    count = len(letters)
    return block(
        (
            texts("topic", (string(x.topic) for x in letters), count),
            numbers("partition", "UInt32", [x.partition for x in letters]),
            numbers("offset", "UInt64", np.array([x.offset for x in letters], dtype=np.uint64)),
            texts("stage", (string(x.stage) for x in letters), count),
            texts("reason", (string(x.reason) for x in letters), count),
            texts("stream_id", (string(x.stream_id) for x in letters), count),
            nullable_numbers("epoch", "UInt64", [x.epoch for x in letters]),
            nullable_numbers("seq", "UInt64", [x.seq for x in letters]),
            numbers("at", _TIME, np.array([x.at_ns for x in letters], dtype=np.int64)),
            numbers("bytes", "UInt32", [x.size_bytes for x in letters]),
        )
    )


def _identity(messages: Sequence[StreamMessage], counts: Sequence[int] | None) -> tuple[Column, ...]:
    """stream_id, epoch, seq and captured_at, each message's repeated `counts` times (None: once)."""
    ids = [string(message.stream_id) for message in messages]
    if counts is not None:
        ids = [encoded * count for encoded, count in zip(ids, counts, strict=True)]
    whole = np.array([(m.epoch, m.seq, m.captured_at_ns) for m in messages], dtype=np.int64)
    if counts is not None:
        whole = np.repeat(whole, counts, axis=0)
    rows = len(whole)
    return (
        texts("stream_id", ids, rows),
        numbers("epoch", "UInt64", whole[:, 0]),
        numbers("seq", "UInt64", whole[:, 1]),
        numbers("captured_at", _TIME, whole[:, 2]),
    )


def _named(column: str, parts: Sequence[tuple[npt.NDArray[np.uint16], Sequence[str]]]) -> Column:
    """A column of names, from each message's indices into its list of them."""
    found: list[bytes] = []
    for ids, names in parts:
        encoded = [string(name) for name in names]
        found += [encoded[place] for place in ids.tolist()]
    return texts(column, found, len(found))


def _boxes(messages: Sequence[Any]) -> tuple[Column, ...]:
    boxes = np.concatenate([message.boxes for message in messages])
    return tuple(numbers(name, "Float32", boxes[:, place]) for place, name in enumerate(_BOX))

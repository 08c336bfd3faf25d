"""Small messages and records for the writer's unit tests."""

import numpy as np

from consumers.writer.records import Place, Record
from schemas.classifications import Classification
from schemas.detections import Detections
from schemas.topics import TRACKS
from schemas.tracks import Tracks
from schemas.truth import Truth, TruthEvent


def tracks(
    stream_id: str = "a", seq: int = 0, count: int = 2, at_ns: int = 1000, **changes: object
) -> Tracks:
    """A frame with `count` tracks."""
    fields: dict[str, object] = {
        "stream_id": stream_id,
        "epoch": 1,
        "seq": seq,
        "captured_at_ns": at_ns,
        "trace": (("capture", 1_000_000), ("publish", 3_500_000), ("track", 9_000_000)),
        "width": 64,
        "height": 48,
        "detections": count,
        "track_ids": np.arange(1, count + 1, dtype=np.uint64),
        "boxes": np.arange(4 * count, dtype=np.float32).reshape(-1, 4),
        "scores": np.full(count, 0.5, np.float32),
        "label_ids": np.zeros(count, np.uint16),
        "labels": ("car",),
        "observed": np.ones(count, np.bool_),
    }
    return Tracks(**(fields | changes))  # type: ignore[arg-type]  # the fields are typed where they are made


def detections(stream_id: str = "a", seq: int = 0, count: int = 2, at_ns: int = 1000) -> Detections:
    """A frame with `count` detections."""
    return Detections(
        stream_id=stream_id,
        epoch=1,
        seq=seq,
        captured_at_ns=at_ns,
        width=64,
        height=48,
        boxes=np.arange(4 * count, dtype=np.float32).reshape(-1, 4),
        scores=np.full(count, 0.5, np.float32),
        class_ids=np.full(count, 3, np.uint16),
        labels="test",
        names={3: "bus"},
    )


def truth(seq: int = 0, count: int = 2, events: tuple[TruthEvent, ...] = ()) -> Truth:
    """What is really on a frame: `count` objects, and some events."""
    return Truth(
        stream_id="a",
        epoch=1,
        seq=seq,
        captured_at_ns=1000,
        width=64,
        height=48,
        boxes=np.arange(4 * count, dtype=np.float32).reshape(-1, 4),
        object_ids=np.arange(10, 10 + count, dtype=np.uint64),
        class_ids=np.ones(count, np.uint16),
        classes=("person", "car"),
        attribute_ids=np.zeros(count, np.uint16),
        attributes=("car-red",),
        visibility=np.full(count, 0.5, np.float32),
        events=events,
    )


def classification(seq: int = 0, track_id: int = 1) -> Classification:
    """A label for a track."""
    return Classification(
        stream_id="a",
        epoch=1,
        seq=seq,
        captured_at_ns=1000,
        track_id=track_id,
        label="car",
        previous=None,
        confidence=0.5,
    )


def record(offset: int, value: bytes, partition: int = 0, topic: str = TRACKS.name) -> Record:
    """A record of a topic."""
    return Record(Place(topic, partition), offset, b"a", value, (), 1)

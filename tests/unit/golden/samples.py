"""The messages whose bytes are kept for ever. Add samples; never change one that has a file."""

from collections.abc import Mapping
from typing import Any, Final

import msgpack
import numpy as np

from schemas.alerts import Alert
from schemas.classifications import Classification
from schemas.control import StreamCommand
from schemas.dead_letters import DeadLetter
from schemas.detections import Detections
from schemas.frames import Frame
from schemas.streams import StreamStatus
from schemas.tracks import Tracks
from schemas.truth import Truth, TruthEvent

_NS: Final = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
_FRAME: Final[Mapping[str, Any]] = {
    "stream_id": "gate-7.north_1",
    "epoch": 1_767_225_600_000,
    "seq": 41,
    "captured_at_ns": _NS + 1_366_666_667,
}
_TRACE: Final = (("capture", _NS + 1_366_700_000), ("publish", _NS + 1_370_000_001))

MESSAGES: Final[Mapping[str, Any]] = {
    "frames.v1": Frame(
        **_FRAME, trace=_TRACE, width=1920, height=1080, jpeg=b"\xff\xd8\xff\xe0not a picture\xff\xd9"
    ),
    "detections.v1": Detections(
        **_FRAME,
        trace=(*_TRACE, ("infer", _NS + 1_400_000_000)),
        width=1920,
        height=1080,
        boxes=np.array([[0, 0, 1920, 1080], [-3.5, 10.25, 40.125, 90]], np.float32),
        scores=np.array([1, 0.75], np.float32),
        class_ids=np.array([2, 65535], np.uint16),
        labels="coco",
        names={2: "car", 65535: "größtes"},
    ),
    "detections_appearance.v1": Detections(
        **_FRAME,
        trace=_TRACE,
        width=640,
        height=360,
        boxes=np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32),
        scores=np.array([0.5, 0.25], np.float32),
        class_ids=np.array([0, 0], np.uint16),
        labels="demo-1",
        names={0: "box", 1: "disc"},
        embeddings=np.array([[0.5, -1, 2], [0, 0, 0]], np.float16),
        probabilities=np.array([[0.25, 0.75], [1, 0]], np.float32),
        attributes=("red", "blue"),
    ),
    "detections_none.v1": Detections(
        **_FRAME,
        width=1,
        height=16_384,
        boxes=np.zeros((0, 4), np.float32),
        scores=np.zeros(0, np.float32),
        class_ids=np.zeros(0, np.uint16),
        labels="coco",
        names={},
    ),
    "tracks.v1": Tracks(
        **_FRAME,
        trace=(*_TRACE, ("infer", _NS + 1_400_000_000), ("track", _NS + 1_401_000_000)),
        width=1920,
        height=1080,
        detections=1,
        track_ids=np.array([1, 2**63 - 1], np.uint64),
        boxes=np.array([[0, 0, 10, 20], [100.5, 50, 120.5, 90]], np.float32),
        scores=np.array([0.875, 0.5], np.float32),
        label_ids=np.array([1, 0], np.uint16),
        labels=("car", "person"),
        observed=np.array([True, False]),
    ),
    "tracks_none.v1": Tracks(
        **_FRAME,
        width=1920,
        height=1080,
        detections=0,
        track_ids=np.zeros(0, np.uint64),
        boxes=np.zeros((0, 4), np.float32),
        scores=np.zeros(0, np.float32),
        label_ids=np.zeros(0, np.uint16),
        labels=(),
        observed=np.zeros(0, np.bool_),
    ),
    "tracks_left_out.v1": Tracks(
        **_FRAME,
        width=1920,
        height=1080,
        detections=600,
        track_ids=np.array([7], np.uint64),
        boxes=np.array([[0, 0, 10, 20]], np.float32),
        scores=np.array([0.5], np.float32),
        label_ids=np.zeros(1, np.uint16),
        labels=("car",),
        observed=np.ones(1, np.bool_),
        left_out={"detections_over_limit": 88, "tracks_full": 3},
    ),
    "classifications.v1": Classification(
        **_FRAME, trace=_TRACE, track_id=12, label="truck", previous="car", confidence=0.8125
    ),
    "classifications_first.v1": Classification(
        **_FRAME, trace=_TRACE, track_id=2**63 - 1, label="car", previous=None, confidence=1.0
    ),
    "streams.v1": StreamStatus(
        stream_id="gate-7.north_1",
        epoch=1_767_225_600_000,
        stage="capture",
        instance="edge-3/2",
        at_ns=_NS,
        state="failed",
        counters={"captured": 42, "published": 40, "dropped.late": 2},
        message="The camera does not answer.",
    ),
    "control.v1": StreamCommand(
        stream_id="gate-7.north_1", issued_at_ns=_NS, max_rate_fps=7.5, max_width_px=640, mode="detections"
    ),
    "control_rate.v1": StreamCommand(stream_id="gate-7.north_1", issued_at_ns=_NS, max_rate_fps=30.0),
    "alerts.v1": Alert(
        id="gate-7.north_1/12/3",
        source="/sightline/rules/gate",
        type="sightline.zone.entered",
        subject="gate-7.north_1",
        time="2026-01-01T00:00:01.366666667Z",
        data={"track_id": 12, "label": "Lkw für Güter", "box": [0.5, 1, 2, 3], "zone": None},
    ),
    "truth.v1": Truth(
        **_FRAME,
        trace=_TRACE,
        width=640,
        height=360,
        boxes=np.array([[0, 10.5, 40.25, 60], [100, 50, 220, 90]], np.float32),
        object_ids=np.array([7, 2**63 - 1], np.uint64),
        class_ids=np.array([1, 0], np.uint16),
        classes=("car", "person"),
        attribute_ids=np.array([0, 1], np.uint16),
        attributes=("person-größtes", "car-red"),
        visibility=np.array([0.125, 1], np.float32),
        events=(
            TruthEvent(kind="defined", place="gate", at_ns=_NS, points=((10.0, 20.5), (630.0, 20.5))),
            TruthEvent(kind="defined", place="yard", at_ns=_NS, points=((0.0, 0.0), (9.0, 0.0), (0.0, 9.5))),
            TruthEvent(kind="crossed", place="gate", at_ns=_NS + 1, object_id=7, direction="backward"),
            TruthEvent(kind="entered", place="yard", at_ns=_NS + 2, object_id=2**63 - 1),
        ),
    ),
    "truth_none.v1": Truth(
        **_FRAME,
        width=1,
        height=1,
        boxes=np.zeros((0, 4), np.float32),
        object_ids=np.zeros(0, np.uint64),
        class_ids=np.zeros(0, np.uint16),
        classes=(),
        attribute_ids=np.zeros(0, np.uint16),
        attributes=(),
        visibility=np.zeros(0, np.float32),
    ),
}

DEAD_LETTERS: Final[Mapping[str, DeadLetter]] = {
    "dead_letters.v1": DeadLetter(
        value=b"\x00\xffnot a message",
        key=b"gate-7.north_1",
        reason="message: cannot be read as MessagePack – größter Unsinn",
        stage="infer",
        topic="sightline.frames.v1",
        partition=7,
        offset=2**63 - 1,
        at_ns=_NS,
        stream_id="gate-7.north_1",
        epoch=1_767_225_600_000,
        seq=41,
    ),
    "dead_letters_unknown.v1": DeadLetter(
        value=b"",
        key=None,
        reason="message: is a record without a value (a tombstone)",
        stage="track",
        topic="sightline.detections.v1",
        partition=0,
        offset=0,
        at_ns=_NS,
    ),
}


def record_bytes(letter: DeadLetter) -> bytes:
    """A whole record of the dead letters in one file: MessagePack of key, value and headers in order."""
    return bytes(msgpack.packb([letter.key, letter.value, letter.headers()]))


def letter_from_record_bytes(data: bytes) -> DeadLetter:
    """Read what `record_bytes` wrote."""
    key, value, headers = msgpack.unpackb(data)
    return DeadLetter.from_record(key, value, [(name, raw) for name, raw in headers])

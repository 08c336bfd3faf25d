"""`sightline.tracks.v1`: all live tracks after one frame."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.wire import MAX_BOXES, MAX_INT, DecodeError, Reader, StreamMessage, array_bytes, pack


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracks(StreamMessage):
    """The M live tracks of a stream after one frame.

    Attributes:
        width: Width of the source frame in pixels.
        height: Height of the source frame in pixels.
        detections: How many detections the frame had.
        track_ids: uint64 (M,), below 2**63: counts up per stream and is never reused.
        boxes: float32 (M, 4): x1, y1, x2, y2 in pixels of the source frame.
        scores: float32 (M,) in 0..1: of the last detection that the track took.
        label_ids: uint16 (M,): index of each track's label in `labels`.
        labels: The label names that occur.
        observed: bool (M,): False where the tracker only predicts.
        left_out: How much of this frame was left out because of a limit, by reason: `detections_over_limit`
            (the weakest detections), `tracks_full` (tracks that were ended early, or not started).
    """

    width: int
    height: int
    detections: int
    track_ids: npt.NDArray[np.uint64]
    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    label_ids: npt.NDArray[np.uint16]
    labels: tuple[str, ...]
    observed: npt.NDArray[np.bool_]
    left_out: Mapping[str, int] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Pack the message."""
        own: dict[str, Any] = {
            "width": self.width,
            "height": self.height,
            "detections": self.detections,
            "track_ids": array_bytes(self.track_ids, "<u8"),
            "boxes": array_bytes(self.boxes, "<f4"),
            "scores": array_bytes(self.scores, "<f4"),
            "label_ids": array_bytes(self.label_ids, "<u2"),
            "labels": self.labels,
            "observed": array_bytes(self.observed, "u1"),
            "left_out": dict(self.left_out) or None,
        }
        return pack(self.identity_fields() | own)

    @classmethod
    def from_bytes(cls, data: bytes | None) -> "Tracks":
        """Unpack and check; raises `DecodeError`. The arrays are read-only views of the message."""
        reader = Reader(data)
        width, height = reader.size_px()
        boxes = reader.boxes()
        count = len(boxes)
        label_ids, labels = reader.indices("label_ids", "labels", count)
        track_ids = reader.array("track_ids", "<u8", count)
        if count and int(track_ids.max()) > MAX_INT:
            raise DecodeError("track_ids", f"{int(track_ids.max())} is not in 0..{MAX_INT}")
        observed = reader.array("observed", "u1", count)
        if count and int(observed.max()) > 1:
            raise DecodeError("observed", "a value is neither 0 nor 1")
        return cls(
            **reader.identity(),
            width=width,
            height=height,
            detections=reader.integer("detections", high=MAX_BOXES),
            track_ids=track_ids,
            boxes=boxes,
            scores=reader.unit_floats("scores", "<f4", count),
            label_ids=label_ids,
            labels=labels,
            observed=observed.view(np.bool_),
            left_out=reader.counters("left_out") if reader.has("left_out") else {},
        )

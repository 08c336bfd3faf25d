"""`sightline.tracks.v1`: all live tracks after one frame."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from schemas import fields
from schemas.arrays import MAX_BOXES, BoxArray, FlagArray, IdArray, IndexArray, UnitArray, check_indices
from schemas.fields import Names, SidePx
from schemas.wire import StreamMessage

_LEFT_OUT = fields.optional(fields.counters(), empty={})


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

    width: SidePx
    height: SidePx
    detections: Annotated[int, fields.integer(high=MAX_BOXES)]
    track_ids: IdArray
    boxes: BoxArray
    scores: UnitArray
    label_ids: IndexArray
    labels: Names
    observed: FlagArray
    left_out: Annotated[Mapping[str, int], _LEFT_OUT] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse label ids without a label."""
        check_indices("label_ids", self.label_ids, "labels", self.labels)

"""A frame's detections as the tracker works on them: bounded, in float64."""

from dataclasses import dataclass

import numpy as np

from processors.track import appearance
from processors.track.config import TrackerConfig
from processors.track.motion import MIN_SIDE_PX
from processors.track.scalars import HALF
from processors.track.state import CENTRE, SIDES, Floats, Indices
from schemas.detections import Detections


@dataclass(eq=False, slots=True)
class Seen:
    """N detections.

    Attributes:
        box: float64 (4, N) centre x, centre y, width, height in pixels; sides are at least one pixel.
        corners: float64 (4, N) x1, y1, x2, y2.
        areas: float64 (N,) width times height.
        scores: float64 (N,).
        kept: Which detections of the message these are; None if they are all of them, in its order.
        looks: float32 (N, D) appearance, or None if the message has none.
    """

    box: Floats
    corners: Floats
    areas: Floats
    scores: Floats
    kept: Indices | None
    looks: appearance.Vectors | None

    def __len__(self) -> int:
        return len(self.scores)

    def ranked(self, columns: Indices) -> Indices:
        """`columns` by falling score; ties by place, so that a message's own order never matters."""
        order = np.lexsort((*self.corners.take(columns, axis=1), -self.scores.take(columns)))
        ranked: Indices = columns.take(order)
        return ranked


def observe(detections: Detections, config: TrackerConfig) -> Seen:
    """The frame's detections, the best `max_detections` of them."""
    boxes, scores, looks = detections.boxes, detections.scores, detections.embeddings
    kept = folded = None
    if len(scores) > config.max_detections or (looks is not None and looks.size):
        # Looks are summed up, and a sum depends on the order.
        kept = _by_score(detections)[: config.max_detections]
        boxes, scores = boxes.take(kept, axis=0), scores.take(kept)
        if looks is not None and looks.size:
            folded = appearance.folded(looks.take(kept, axis=0), config.max_embedding)
    corners = boxes.T.astype(np.float64, order="C")
    low, high = corners[:2], corners[2:]
    box = np.empty(corners.shape)
    centre, sides = box[CENTRE], box[SIDES]
    np.subtract(high, low, out=sides)
    np.maximum(sides, MIN_SIDE_PX, out=sides)
    np.add(low, high, out=centre)
    centre *= HALF
    return Seen(box, corners, box[2] * box[3], scores.astype(np.float64), kept, folded)


def _by_score(detections: Detections) -> Indices:
    order: Indices = (-detections.scores).argsort()
    ranked = detections.scores.take(order)
    tied = ranked[1:] == ranked[:-1]
    if tied.any():  # seldom, and sorting by all columns takes four times as long
        order = np.lexsort((detections.class_ids, *detections.boxes.T, -detections.scores))
    return order

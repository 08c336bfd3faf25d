"""The messages that a step leads to."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.track.motion import corners_of
from processors.track.scalars import ZERO, scalar
from processors.track.state import (
    BOX,
    LABEL,
    RESIDUAL,
    SCORE,
    UNSEEN_S,
    WEIGHT,
    WEIGHTS,
    Floats,
    Ids,
    Indices,
)
from schemas.arrays import MAX_COORDINATE_PX
from schemas.classifications import Classification
from schemas.detections import Detections
from schemas.tracks import Tracks

LEAST_PX: Final = scalar(-MAX_COORDINATE_PX)
MOST_PX: Final = scalar(MAX_COORDINATE_PX)
LabelNews = tuple[int, Floats, int | None]
"""A track's id, its numbers (ROWS,), and the label (index of a name) announced before, or None."""


class StepResult(NamedTuple):
    """What one frame led to.

    Attributes:
        tracks: The tracks to put out; its trace is that of the detections.
        classifications: Labels decided or changed at this frame, by rising track id.
    """

    tracks: Tracks
    classifications: tuple[Classification, ...]


def tracks_message(
    detections: Detections,
    numbers: Floats,
    track_ids: Ids,
    shown: Indices,
    names: tuple[str, ...],
    left_out: Mapping[str, int],
    residual_shares: Floats,
) -> Tracks:
    """The tracks `shown` of `numbers` (ROWS, M) as the message for the frame of `detections`.

    Boxes of observed tracks have `residual_shares` (4, 1) of their residuals added, see `residuals`.
    """
    part = numbers if len(shown) == numbers.shape[1] else numbers.take(shown, axis=1)
    observed = part[UNSEEN_S] == ZERO
    box = part[RESIDUAL] * residual_shares
    if np.count_nonzero(observed) < len(observed):
        box *= observed
    box += part[BOX]
    corners = corners_of(box)
    np.maximum(corners, LEAST_PX, out=corners)
    np.minimum(corners, MOST_PX, out=corners)
    label_ids, labels = _renumbered(part[LABEL], names)
    return Tracks(
        stream_id=detections.stream_id,
        epoch=detections.epoch,
        seq=detections.seq,
        captured_at_ns=detections.captured_at_ns,
        trace=detections.trace,
        width=detections.width,
        height=detections.height,
        detections=len(detections.boxes),
        track_ids=track_ids.take(shown),
        boxes=corners.T.astype(np.float32, order="C"),
        scores=part[SCORE].astype(np.float32),
        label_ids=label_ids,
        labels=labels,
        observed=observed,
        left_out=left_out,
    )


def left_out(detections: int, tracks: int) -> dict[str, int]:
    """How many detections and tracks the limits left out of a frame, by reason; empty if none."""
    if not (detections or tracks):
        return {}
    counts = {"detections_over_limit": detections, "tracks_full": tracks}
    return {reason: count for reason, count in counts.items() if count}


def _renumbered(places: Floats, names: tuple[str, ...]) -> tuple[npt.NDArray[np.uint16], tuple[str, ...]]:
    """Label names `places` (K,) as indices into those that occur, and these."""
    if len(names) == 1 and len(places):
        return np.zeros(len(places), np.uint16), names
    used = sorted(set(places.tolist()))
    label_ids = np.searchsorted(used, places).astype(np.uint16)
    return label_ids, tuple([names[int(place)] for place in used])


def label_messages(
    detections: Detections, news: list[LabelNews], names: tuple[str, ...]
) -> tuple[Classification, ...]:
    """The labels to announce with the frame of `detections`."""
    return tuple(
        [
            Classification(
                stream_id=detections.stream_id,
                epoch=detections.epoch,
                seq=detections.seq,
                captured_at_ns=detections.captured_at_ns,
                trace=detections.trace,
                track_id=track_id,
                label=names[int(column[LABEL])],
                previous=None if previous is None else names[previous],
                confidence=min(1.0, float(column[WEIGHT] / column[WEIGHTS].sum())),
            )
            for track_id, column, previous in news
        ]
    )

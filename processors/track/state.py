"""What the tracker knows about one stream between two frames: a value that is never changed in place."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

# Rows of `TrackerState.numbers`: one column is one track. One array instead of many makes taking a subset of
# the tracks a single call.
BOX: Final = slice(0, 4)  # centre x, centre y, width, height in pixels
SPEED: Final = slice(4, 8)  # their change in pixels per second
VAR: Final = slice(8, 10)  # variance of a position, of a size
COV: Final = slice(10, 12)  # covariance of a position and its speed, of a size and its growth
SPEED_VAR: Final = slice(12, 14)  # variance of a speed, of a growth
MOTION: Final = slice(0, 14)
SCORE: Final = 14  # of the last detection taken
EVIDENCE: Final = 15  # for there being an object, from its detections
UNSEEN_S: Final = 16  # seconds since the last detection taken
CONFIRMED: Final = 17  # 1 when it has been put out
ROWS: Final = 18

LABEL_SLOTS: Final = 4
NO_LABEL: Final = 0xFFFF


@dataclass(frozen=True, kw_only=True, eq=False)
class TrackerState:
    """The tracks of one stream after one frame.

    Attributes:
        order: `(epoch, seq)` of the last frame, None before the first.
        captured_at_ns: Event time of the last frame.
        next_track_id: The id that the next new track gets; from 1 up.
        names: Label names that `labels` and `label_ids` index.
        numbers: float64 (ROWS, M), see the rows' names above.
        track_ids: uint64 (M,), rising.
        labels: uint16 (M,): the label that each track goes by.
        decided: bool (M,): whether that label has been announced.
        label_ids: uint16 (M, LABEL_SLOTS): labels that there is evidence for, NO_LABEL where a slot is free.
        label_weights: float64 (M, LABEL_SLOTS): the evidence.
        embeddings: float16 (M, D): a look per track, zeros if unknown; D is 0 for a stream without any.
    """

    order: tuple[int, int] | None
    captured_at_ns: int
    next_track_id: int
    names: tuple[str, ...]
    numbers: Floats
    track_ids: npt.NDArray[np.uint64]
    labels: npt.NDArray[np.uint16]
    decided: npt.NDArray[np.bool_]
    label_ids: npt.NDArray[np.uint16]
    label_weights: Floats
    embeddings: npt.NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.track_ids)


def initial_state() -> TrackerState:
    """The state of a stream that has not been seen yet."""
    return TrackerState(
        order=None,
        captured_at_ns=0,
        next_track_id=1,
        names=(),
        numbers=np.zeros((ROWS, 0)),
        track_ids=np.zeros(0, np.uint64),
        labels=np.zeros(0, np.uint16),
        decided=np.zeros(0, np.bool_),
        label_ids=np.zeros((0, LABEL_SLOTS), np.uint16),
        label_weights=np.zeros((0, LABEL_SLOTS)),
        embeddings=np.zeros((0, 0), np.float16),
    )

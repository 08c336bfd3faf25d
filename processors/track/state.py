"""What the tracker knows about one stream between two frames: a value that is never changed in place."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.track.gaps import NEVER, TRACK_KINDS

Floats = npt.NDArray[np.float64]
Halves = npt.NDArray[np.float16]
Ids = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

# Rows of `TrackerState.numbers`, one column per track. One array instead of twenty makes taking a part of the
# tracks a single call, and NumPy's calls are what a step costs.
BOX: Final = slice(0, 4)  # centre x, centre y, width, height in pixels
CENTRE: Final = slice(0, 2)
SIDES: Final = slice(2, 4)
WIDTH: Final = 2
HEIGHT: Final = 3
SPEED: Final = slice(4, 8)  # their change in pixels per second
# Of a centre coordinate and of a side, in squared sizes (the box's area is one) and seconds:
PLACE: Final = slice(0, 8)  # boxes and speeds
VAR: Final = slice(8, 10)  # variance of the value
COV: Final = slice(10, 12)  # covariance of the value and its change
SPEED_VAR: Final = slice(12, 14)  # variance of its change
MOTION: Final = slice(0, 14)
SCORE: Final = 14  # of the last detection taken
CREDIT: Final = 15  # sum of the scores of the detections taken
HITS: Final = 16  # how many detections it took
UNSEEN_S: Final = 17  # seconds since the last one
GAP_KIND: Final = 18  # its kind when it was last seen, see `gaps`
GAP: Final = slice(17, 19)  # both
CONFIRMED: Final = 19  # 1 once it is confirmed, 0 before
KIND: Final = 20  # index of the detector's class that it is taken for
KIND_WEIGHT: Final = 21  # how firmly
LOOK_WEIGHT: Final = 22  # how much went into its embedding; 0 if there is none
CLASSIFIED: Final = 23  # 1 once its label comes from a classifier's probabilities
DECIDED: Final = 24  # 1 once its label has been announced
LABEL_SLOTS: Final = 4
LABELS: Final = slice(25, 25 + LABEL_SLOTS)  # indices of label names; the first is what the track goes by
LABEL: Final = 25
WEIGHTS: Final = slice(29, 29 + LABEL_SLOTS)  # evidence for each of them
WEIGHT: Final = 29
END_S: Final = 33  # when it has been unseen for longer than this it ends
SHOWN_S: Final = 34  # and for longer than this it is not put out
RESIDUAL: Final = slice(35, 39)  # of the last detection against the corrected box, in pixels
ROWS: Final = 39
NO_LABEL: Final = -1.0

SCORE_EDGES: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
SCORE_RANGES: Final = len(SCORE_EDGES) + 1

LOOK_PRIOR: Final = (
    0.0,
    0.6,
    0.1,
    0.04,
)  # looks seen; mean alikeness of the same object, of others; variance


@dataclass(frozen=True, kw_only=True, eq=False)
class TrackerState:
    """The tracks of one stream after one frame. Treat it as a constant, arrays included.

    Attributes:
        order: `(epoch, seq)` of the last frame, None before the first.
        captured_at_ns: Event time of the last frame.
        next_track_id: The id that the next new track gets; from 1 up.
        names: Names that the KIND and LABELS rows index.
        numbers: float64 (ROWS, M), see the rows' names above.
        track_ids: uint64 (M,), rising.
        embeddings: float16 (M, D): mean look of each track; D is 0 for a stream without any.
        mean_look: float64 (D,): mean of all the looks of the stream.
        look_statistics: float64 (4,), named at LOOK_PRIOR.
        gaps: float64 (TRACK_KINDS, NEVER + 1): how gaps ended, see `gaps`.
        patience_s: float64 (TRACK_KINDS,): how long unseen tracks are put out, from `gaps`.
        refresh_in_s: Seconds of event time until `patience_s` is worked out anew.
        redetections: float64 (2, SCORE_RANGES), see `calibration`.
        correlations: float64 (2, 2), see `residuals`.
    """

    order: tuple[int, int] | None
    captured_at_ns: int
    next_track_id: int
    names: tuple[str, ...]
    numbers: Floats
    track_ids: Ids
    embeddings: Halves
    mean_look: Floats
    look_statistics: Floats
    gaps: Floats
    patience_s: Floats
    refresh_in_s: float
    redetections: Floats
    correlations: Floats

    def __len__(self) -> int:
        return len(self.track_ids)


def initial_state() -> TrackerState:
    """The state of a stream that has not been seen yet: no tracks, and what is assumed of every stream."""
    return TrackerState(
        order=None,
        captured_at_ns=0,
        next_track_id=1,
        names=(),
        numbers=np.zeros((ROWS, 0)),
        track_ids=np.zeros(0, np.uint64),
        embeddings=np.zeros((0, 0), np.float16),
        mean_look=np.zeros(0),
        look_statistics=np.array(LOOK_PRIOR),
        gaps=np.zeros((TRACK_KINDS, NEVER + 1)),
        patience_s=np.zeros(TRACK_KINDS),
        refresh_in_s=0.0,
        redetections=np.zeros((2, SCORE_RANGES)),
        correlations=np.zeros((2, 2)),
    )

"""The tracks of a state while a step works on them, and which detection each of them took."""

from dataclasses import dataclass

import numpy as np

from processors.track.observation import Seen
from processors.track.state import (
    BOX,
    LOOK_PRIOR,
    LOOK_WEIGHT,
    ROWS,
    Floats,
    Halves,
    Ids,
    Indices,
    TrackerState,
)


@dataclass(eq=False, slots=True)
class Work:
    """Copies of a state's arrays, changed in place; see `TrackerState` for their meaning."""

    numbers: Floats
    track_ids: Ids
    embeddings: Halves
    mean_look: Floats
    look_statistics: Floats
    redetections: Floats
    correlations: Floats

    def keep(self, places: Indices) -> None:
        """Forget all tracks but those at `places`."""
        self.numbers = self.numbers.take(places, axis=1)
        self.track_ids = self.track_ids.take(places)
        self.embeddings = self.embeddings.take(places, axis=0)

    def add(self, numbers: Floats, track_ids: Ids, embeddings: Halves) -> None:
        """Put new tracks behind the others."""
        self.numbers = np.concatenate([self.numbers, numbers], axis=1)
        self.track_ids = np.concatenate([self.track_ids, track_ids])
        self.embeddings = np.concatenate([self.embeddings, embeddings])


def begin(state: TrackerState, seen: Seen) -> Work:
    """The state's tracks, ready for this frame's looks."""
    numbers = state.numbers.copy()
    looks = seen.looks
    if looks is None:
        return Work(
            numbers,
            state.track_ids,
            state.embeddings,
            state.mean_look,
            state.look_statistics,
            state.redetections,
            state.correlations,
        )
    width = looks.shape[1]
    if width == state.embeddings.shape[1]:
        embeddings = state.embeddings.copy()
        return Work(
            numbers,
            state.track_ids,
            embeddings,
            state.mean_look,
            state.look_statistics,
            state.redetections,
            state.correlations,
        )
    # Another network: its looks cannot be compared with those of the old one.
    numbers[LOOK_WEIGHT] = 0.0
    embeddings = np.zeros((len(state), width), np.float16)
    return Work(
        numbers,
        state.track_ids,
        embeddings,
        np.zeros(width),
        np.array(LOOK_PRIOR),
        state.redetections,
        state.correlations,
    )


@dataclass(eq=False, slots=True)
class Matches:
    """Detection `columns[k]` belongs to track `rows[k]`.

    Attributes:
        rows: (K,) columns of the tracks in `Work.numbers`.
        columns: (K,) detections.
        overlaps: (K,) how much the detection overlaps the track's prediction.
        part: (ROWS, K) a copy of the tracks' numbers.
        box: (4, K) the detections' boxes.
    """

    rows: Indices
    columns: Indices
    overlaps: Floats
    part: Floats
    box: Floats


def no_matches() -> Matches:
    """Nothing was detected, or nothing was there to be detected."""
    nothing = np.zeros(0, np.intp)
    return Matches(nothing, nothing, np.zeros(0), np.zeros((ROWS, 0)), np.zeros((BOX.stop, 0)))

"""The tracks of a state while a step works on them, and which detection each of them took."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from processors.track.observation import Seen
from processors.track.state import LOOK_PRIOR, LOOK_WEIGHT, Floats, Halves, Ids, Indices, TrackerState

_NO_INDICES: Final = np.zeros(0, np.intp)


@dataclass(eq=False, slots=True)
class Work:
    """Copies of a state's arrays, changed in place; see `TrackerState` for their meaning."""

    numbers: Floats
    track_ids: Ids
    embeddings: Halves
    mean_look: Floats
    look_statistics: Floats

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
        return Work(numbers, state.track_ids, state.embeddings, state.mean_look, state.look_statistics)
    width = looks.shape[1]
    if width == state.embeddings.shape[1]:
        embeddings = state.embeddings.copy()
        return Work(numbers, state.track_ids, embeddings, state.mean_look, state.look_statistics)
    # Another network: its looks cannot be compared with those of the old one.
    numbers[LOOK_WEIGHT] = 0.0
    embeddings = np.zeros((len(state), width), np.float16)
    return Work(numbers, state.track_ids, embeddings, np.zeros(width), np.array(LOOK_PRIOR))


@dataclass(frozen=True, eq=False, slots=True)
class Matches:
    """Detection `columns[k]` belongs to track `rows[k]`, and overlaps its prediction by `overlaps[k]`."""

    rows: Indices
    columns: Indices
    overlaps: Floats

    def and_also(self, other: "Matches") -> "Matches":
        """Both."""
        if not other.rows.size:
            return self
        return Matches(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.columns, other.columns]),
            np.concatenate([self.overlaps, other.overlaps]),
        )


NO_MATCHES: Final = Matches(_NO_INDICES, _NO_INDICES, np.zeros(0))

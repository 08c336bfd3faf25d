"""How alike two looks are, measured by what this stream's own looks are like.

Networks for re-identification differ in how far apart they put different objects, and all looks of one
camera share something. So the stream's mean look is taken off before two looks are compared, and what their
alikeness (a cosine) is worth is learned from the matches: its mean for the same object, and for different
ones.
A track's look is the mean of its detections' looks, good detections counting more.

Sums run in one fixed order (no BLAS, no einsum), so every processor gets the same bits.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.track.config import TrackerConfig
from processors.track.scalars import ONE, scalar
from processors.track.state import LOOK_WEIGHT, Floats, Halves, Indices, Mask

Vectors = npt.NDArray[np.float32]

SEEN, SAME, OTHER, VARIANCE = range(4)  # elements of the look statistics
MEAN_MEMORY: Final = 2000.0  # looks that the stream's mean is taken over
LOOK_MEMORY: Final = scalar(20.0)  # detections that a track's look is taken over
LEARNING_RATE: Final = 0.01  # of the statistics, for each match
MIN_VARIANCE: Final = 1e-3
PAIRS_AT_ONCE: Final = 8192  # bounds the memory that comparing takes


@dataclass(frozen=True, eq=False, slots=True)
class Looks:
    """The looks of a frame, ready to compare.

    Attributes:
        tracks: float32 (M, D) centred unit vectors of the tracks.
        tracks_known: bool (M,): whether a track has a look.
        seen: float32 (N, D) centred unit vectors of the detections.
        seen_known: bool (N,): whether a detection has a look.
    """

    tracks: Vectors
    tracks_known: Mask
    seen: Vectors
    seen_known: Mask

    def alikeness(self, rows: Indices, columns: Indices) -> Floats:
        """(P,) cosines between the looks of tracks `rows` and detections `columns`."""
        if len(rows) > PAIRS_AT_ONCE:  # a hostile frame can make hundreds of thousands
            parts = range(0, len(rows), PAIRS_AT_ONCE)
            cut = [slice(first, first + PAIRS_AT_ONCE) for first in parts]
            return np.concatenate([self.alikeness(rows[part], columns[part]) for part in cut])
        product = self.tracks.take(rows, axis=0)
        product *= self.seen.take(columns, axis=0)
        cosines: Floats = product.sum(axis=1).astype(np.float64)
        return cosines

    def known(self, rows: Indices, columns: Indices) -> Mask:
        """(P,) whether both have a look."""
        both: Mask = self.tracks_known.take(rows) & self.seen_known.take(columns)
        return both


def compare(
    embeddings: Halves, numbers: Floats, seen: Vectors | None, mean: Floats, objects: int
) -> Looks | None:
    """The looks of tracks and detections side by side; None if the detections have none.

    Args:
        embeddings: float16 (M, D) the tracks' looks.
        numbers: (ROWS, M) their numbers.
        seen: float32 (N, D) the detections' looks.
        mean: (D,) the stream's mean look.
        objects: How many objects went into it. That of a single one is its own look, which must not be
            taken off.
    """
    if seen is None:
        return None
    mean = mean * (1.0 - 1.0 / max(1, objects))
    looks = centred(np.concatenate([embeddings, seen], dtype=np.float32), mean)
    tracks_known: Mask = numbers[LOOK_WEIGHT] > 0
    return Looks(
        looks[: len(embeddings)], tracks_known, looks[len(embeddings) :], np.asarray(seen.any(axis=1))
    )


def folded(looks: Halves, width: int) -> Vectors:
    """(N, D) looks as unit vectors of at most `width` elements; a look of zeros stays so.

    Wider ones are folded: element i goes to place i modulo width with a fixed sign, which keeps angles about
    as they are (feature hashing; Weinberger et al., ICML 2009).
    """
    wide = looks.astype(np.float32)
    count, given = wide.shape
    if given > width:
        parts = -(-given // width)
        places = np.arange(parts * width, dtype=np.uint32)
        signs = 1 - 2 * ((places * np.uint32(2654435761)) >> np.uint32(31)).astype(np.float32)
        padded = np.zeros((count, parts * width), np.float32)
        padded[:, :given] = wide
        wide = (padded * signs).reshape(count, parts, width).sum(axis=1)
    return unit(wide)


def unit(vectors: Vectors) -> Vectors:
    """(N, D) rows scaled to length one; rows of zeros stay so."""
    length = np.sqrt((vectors * vectors).sum(axis=1))
    scaled: Vectors = vectors / np.maximum(length, np.float32(1e-6))[:, None]
    return scaled


def centred(vectors: Vectors, mean: Floats) -> Vectors:
    """Unit vectors of looks (N, D) without what all looks share."""
    return unit(vectors - mean.astype(np.float32))


def gains(alike: Floats, statistics: Floats, config: TrackerConfig) -> Floats:
    """(P,) what alikeness speaks for or against a pair, from about -`look_weight` to `look_weight`."""
    apart = max(float(statistics[SAME] - statistics[OTHER]), 1e-3)
    clear = apart * apart / (apart * apart + 4 * float(statistics[VARIANCE]))
    middle = float(statistics[SAME] + statistics[OTHER]) / 2
    gain = (alike - middle) * (2 / apart)
    np.minimum(gain, ONE, out=gain)
    np.maximum(gain, -ONE, out=gain)
    gain *= config.look_weight * clear
    return gain


def ownness(alike: Floats, statistics: Floats) -> Floats:
    """(P,) alikeness on a scale where 0 is that of different objects and 1 that of the same."""
    apart = max(float(statistics[SAME] - statistics[OTHER]), 1e-3)
    scaled: Floats = (alike - float(statistics[OTHER])) / apart
    return scaled


def learned(statistics: Floats, alike: Floats, matched: Mask) -> Floats:
    """The statistics after a frame's pairs, of which some were `matched`."""
    after = statistics.copy()
    for place, part in ((SAME, alike[matched]), (OTHER, alike[~matched])):
        if not part.size:
            continue
        rate = min(0.2, LEARNING_RATE * part.size)
        mean = float(part.sum()) / part.size  # `mean` takes four times as long
        deviation = part - after[place]
        deviation *= deviation
        spread = float(deviation.sum()) / part.size
        after[place] += rate * (mean - after[place])
        after[VARIANCE] += rate / 2 * (max(spread, MIN_VARIANCE) - after[VARIANCE])
    return after


def mean_after(mean: Floats, statistics: Floats, looks: Vectors, known: Mask) -> tuple[Floats, Floats]:
    """The stream's mean look and statistics after a frame's looks (N, D), those that are `known` (N,)."""
    count = int(np.count_nonzero(known))
    if not count:
        return mean, statistics
    after = statistics.copy()
    after[SEEN] = min(float(after[SEEN]) + count, MEAN_MEMORY)
    rate = count / float(after[SEEN])
    total = (looks if count == len(looks) else looks[known]).sum(axis=0).astype(np.float64)
    return mean + rate * (total / count - mean), after


def remember(embeddings: Halves, part: Floats, looks: Vectors, scores: Floats) -> Halves:
    """The looks of K tracks after those of the detections that they took.

    Args:
        embeddings: float16 (K, D) the tracks' looks.
        part: (ROWS, K) their numbers; LOOK_WEIGHT is changed in place.
        looks: float32 (K, D) the detections' looks.
        scores: float64 (K,) their scores.
    """
    worth = scores * scores * looks.any(axis=1)
    total = part[LOOK_WEIGHT] + worth
    share = (worth / np.maximum(total, 1e-9)).astype(np.float32)[:, None]
    after = embeddings.astype(np.float32)
    after += share * (looks - after)
    np.minimum(total, LOOK_MEMORY, out=part[LOOK_WEIGHT])
    return after.astype(np.float16)

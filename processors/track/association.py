"""Which detection belongs to which track: what each pair speaks for, and the best matching.

One global assignment instead of a cascade of rounds: a pair's gain holds the overlap of the predicted and
the detected box, the Mahalanobis distance between them (so that a track that has not been seen for long,
whose variance has grown, claims less) and how alike they look. A weak detection can be taken by a track but
by itself starts none, which is what ByteTrack's second round does (Zhang et al., ECCV 2022).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from processors.track import motion
from processors.track.config import TrackerConfig
from processors.track.observation import Seen
from processors.track.state import BOX, CLAIM, VAR, Floats, Indices


@dataclass(eq=False, slots=True)
class Pairs:
    """P candidates: track `rows[k]` may have been detected as `columns[k]`, for a gain of `gains[k]`.

    Attributes:
        shape: How many tracks and detections there are, M and N.
        flat: (P,) `rows * N + columns`.
        rows: (P,) the tracks.
        columns: (P,) the detections.
        overlaps: (M * N,) intersection over union of all predicted and detected boxes.
        gains: (P,) what motion says for the pair.
    """

    shape: tuple[int, int]
    flat: Indices
    rows: Indices
    columns: Indices
    overlaps: Floats
    gains: Floats


def overlaps_of(first: Floats, second: Floats, first_areas: Floats, second_areas: Floats) -> Floats:
    """(M, N) intersection over union of boxes (4, M) and (4, N), x1, y1, x2, y2, of areas over 0."""
    shared: Floats = np.minimum(first[2, :, None], second[2])
    shared -= np.maximum(first[0, :, None], second[0])
    np.maximum(shared, 0.0, out=shared)
    height = np.minimum(first[3, :, None], second[3])
    height -= np.maximum(first[1, :, None], second[1])
    np.maximum(height, 0.0, out=height)
    shared *= height
    union = np.add(first_areas[:, None], second_areas, out=height)
    union -= shared
    shared /= union
    return shared


def squared_distances(
    numbers: Floats, box: Floats, rows: Indices, columns: Indices, config: TrackerConfig
) -> Floats:
    """(P,) squared Mahalanobis distances of detected boxes from predictions; four degrees of freedom."""
    variance = numbers[VAR] + config.noise
    variance *= numbers[2] * numbers[3]
    difference = box.take(columns, axis=1)
    difference -= numbers[BOX].take(rows, axis=1)
    difference *= difference
    variances = variance.take(rows, axis=1)
    by_kind = difference[0::2]
    by_kind += difference[1::2]
    by_kind /= variances
    distance: Floats = by_kind[0] + by_kind[1]
    return distance


def candidates(numbers: Floats, seen: Seen, config: TrackerConfig) -> Pairs:
    """The pairs of tracks (ROWS, M) and detections that overlap enough, and their gain by motion."""
    areas = numbers[2] * numbers[3]
    overlap = overlaps_of(motion.corners_of(numbers[BOX]), seen.corners, areas, seen.areas)
    count = overlap.shape[1]
    overlap = overlap.reshape(-1)
    flat = (overlap > config.min_iou).nonzero()[0]
    rows = flat // count
    columns = flat - rows * count
    gains = squared_distances(numbers, seen.box, rows, columns, config)
    gains *= 1.0 / (config.distance_weight * config.distance_scale)
    gains += 1.0 / config.distance_weight
    np.divide(1.0, gains, out=gains)
    gains += overlap.take(flat)
    gains -= config.min_iou
    gains *= numbers[CLAIM].take(rows)
    return Pairs((numbers.shape[1], count), flat, rows, columns, overlap, gains)


def matching(flat: Indices, gains: Floats, shape: tuple[int, int]) -> tuple[Indices, Indices, Indices]:
    """The matching with the greatest total gain; what gains nothing is not matched.

    Args:
        flat: (P,) `row * shape[1] + column` of each candidate.
        gains: (P,) gain of each candidate.
        shape: How many rows and columns there are.

    Returns:
        Its rows (rising), its columns, and `row * shape[1] + column`.
    """
    gain = np.zeros(shape)
    line = gain.reshape(-1)
    line[flat] = np.maximum(gains, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    places = rows * shape[1]
    places += columns
    good = line.take(places).nonzero()[0]
    if good.size < places.size:
        rows, columns, places = rows.take(good), columns.take(good), places.take(good)
    return rows, columns, places

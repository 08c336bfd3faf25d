"""Which detection belongs to which track: what each pair speaks for, and the best matching.

A pair's gain holds the overlap of the predicted and the detected box, the Mahalanobis distance between them
and how alike they look.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from processors.track import motion
from processors.track.config import TrackerConfig
from processors.track.observation import Seen
from processors.track.scalars import ZERO
from processors.track.state import BOX, HEIGHT, VAR, WIDTH, Floats, Indices


@dataclass(eq=False, slots=True)
class Pairs:
    """P candidates: track `rows[k]` may have been detected as `columns[k]`, for a gain of `gains[k]`.

    Attributes:
        shape: How many tracks and detections there are, M and N.
        rows: (P,) the tracks, rising.
        columns: (P,) the detections, rising for each track.
        overlaps: (P,) intersection over union of the predicted and the detected box.
        gains: (P,) what motion says for the pair.
    """

    shape: tuple[int, int]
    rows: Indices
    columns: Indices
    overlaps: Floats
    gains: Floats


def overlaps_of(first: Floats, second: Floats, first_areas: Floats, second_areas: Floats) -> Floats:
    """(M, N) intersection over union of boxes (4, M) and (4, N), x1, y1, x2, y2, of areas over 0."""
    sides = np.minimum(first[2:, :, None], second[2:, None])
    sides -= np.maximum(first[:2, :, None], second[:2, None])
    np.maximum(sides, ZERO, out=sides)
    shared: Floats = sides[0]
    shared *= sides[1]
    union = np.add(first_areas[:, None], second_areas, out=sides[1])
    union -= shared
    shared /= union
    return shared


def squared_distances(tracks: Floats, areas: Floats, box: Floats, config: TrackerConfig) -> Floats:
    """(P,) squared Mahalanobis distances of detected boxes (4, P) from predictions; four degrees of freedom.

    Args:
        tracks: (VAR.stop or more rows, P) the predictions.
        areas: (P,) their boxes' areas.
        box: (4, P) the detections' centres and sides.
        config: For the noise of a measurement.
    """
    difference = box - tracks[BOX]
    difference *= difference
    variance = tracks[VAR] + config.noise
    variance *= areas
    by_kind = difference[0::2] + difference[1::2]
    by_kind /= variance
    distances: Floats = by_kind[0] + by_kind[1]
    return distances


def candidates(numbers: Floats, seen: Seen, config: TrackerConfig) -> Pairs:
    """The pairs of tracks (ROWS, M) and detections that overlap enough, and their gain by motion."""
    areas, scalars = numbers[WIDTH] * numbers[HEIGHT], config.scalars
    shape = len(areas), len(seen.areas)
    overlap = overlaps_of(motion.corners_of(numbers[BOX]), seen.corners, areas, seen.areas).reshape(-1)
    flat = (overlap > scalars.min_iou).nonzero()[0]
    rows, columns = np.divmod(flat, shape[1])
    overlaps = overlap.take(flat)
    tracks = numbers[: VAR.stop].take(rows, axis=1)
    gains = squared_distances(tracks, areas.take(rows), seen.box.take(columns, axis=1), config)
    gains += scalars.distance_scale
    np.divide(scalars.distance_gain, gains, out=gains)
    gains += overlaps
    gains -= scalars.min_iou
    return Pairs(shape, rows, columns, overlaps, gains)


def matching(rows: Indices, columns: Indices, gains: Floats, shape: tuple[int, int]) -> Indices:
    """The matching with the greatest total gain; what gains nothing is not matched.

    Args:
        rows: (P,) row of each candidate; candidates are in the order of rows, then of columns.
        columns: (P,) their columns.
        gains: (P,) what each is worth, from 0.
        shape: How many rows and columns there are.

    Returns:
        (K,) which candidates were chosen, rising.
    """
    order = gains.argsort(kind="stable")
    if order.size and gains[order[0]] <= 0:
        order = order.take(gains.take(order).nonzero()[0])
    best = np.empty(shape[1], np.intp)
    best.fill(-1)
    best[columns.take(order)] = order  # of a column's candidates the last one stays, which is the best
    best.sort()
    chosen = best[best.searchsorted(0) :]
    if len(set(rows.take(chosen).tolist())) == len(chosen):  # each column has its best: nothing gains more
        return chosen
    return _assignment(rows, columns, gains, shape)


def _assignment(rows: Indices, columns: Indices, gains: Floats, shape: tuple[int, int]) -> Indices:
    flat = rows * shape[1]
    flat += columns
    gain = np.zeros(shape)
    gain.put(flat, gains)
    first, second = linear_sum_assignment(gain, maximize=True)
    places = first * shape[1]
    places += second
    chosen: Indices = flat.searchsorted(places.take(gain.take(places).nonzero()[0]))
    return chosen

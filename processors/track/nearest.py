"""Tracks and detections that do not overlap but can only belong together: for slow cameras and fast objects.

At one or two frames a second whatever moves by more than its own size is never where its box was. A person
who compares two such pictures takes the nearest thing of the same size, as long as no other one is about as
near. So does this: of the tracks seen in the frame before and the detections that are left over, a pair is
matched if each is clearly the other's nearest and neither could not have moved so far in that time. At usual
rates that is a small part of an object's size, and boxes overlap anyway.
"""

from typing import Final

import numpy as np

from processors.track.config import TrackerConfig
from processors.track.state import CENTRE, HEIGHT, UNSEEN_S, WIDTH, Floats, Indices

ALIKE: Final = 1.5  # ratio of the sides of one object in two pictures, at most
CLEARLY: Final = 1.7  # times as far away must the second nearest be
LEAST_REACH: Final = 0.25  # sizes: below that boxes overlap, and matching has looked at the pair
NOTHING: Final = np.zeros(0, np.intp)


def is_slow(dt_s: float, config: TrackerConfig) -> bool:
    """Whether objects can have moved so far in `dt_s` seconds that their boxes do not overlap any more."""
    return config.near_speed * dt_s >= LEAST_REACH


def nearest(
    numbers: Floats, rows: Indices, box: Floats, columns: Indices, dt_s: float, config: TrackerConfig
) -> tuple[Indices, Indices]:
    """Pairs of tracks and detections that are each other's nearest by far.

    Args:
        numbers: (ROWS, M) the tracks, where they are expected.
        rows: (R,) the tracks that took no detection.
        box: (4, N) the detections' centres and sides.
        columns: (C,) the detections that no track took.
        dt_s: Seconds since the frame before.
        config: For how fast objects are.

    Returns:
        (K,) tracks and (K,) detections.
    """
    reach = config.near_speed * dt_s
    if not (rows.size and columns.size):
        return NOTHING, NOTHING
    rows = rows[numbers[UNSEEN_S].take(rows) <= dt_s]
    if not rows.size:
        return NOTHING, NOTHING
    tracks, found = numbers.take(rows, axis=1), box.take(columns, axis=1)
    size = np.sqrt(tracks[WIDTH] * tracks[HEIGHT])
    away = tracks[CENTRE][:, :, None] - found[CENTRE][:, None]
    away *= away
    distance = np.sqrt(away[0] + away[1]) / size[:, None]
    for side in (WIDTH, HEIGHT):
        ratio = tracks[side][:, None] / found[side]
        distance[(ratio > ALIKE) | (ratio < 1 / ALIKE)] = np.inf
    distance[distance > CLEARLY * reach] = np.inf
    first, second = np.nonzero(distance <= reach)
    clear = [
        bool(_is_clear(distance[row], column) and _is_clear(distance[:, column], row))
        for row, column in zip(first.tolist(), second.tolist(), strict=True)
    ]
    return rows.take(first[clear]), columns.take(second[clear])


def _is_clear(distances: Floats, place: int) -> bool:
    others = np.delete(distances, place)
    return not others.size or float(others.min()) >= CLEARLY * float(distances[place])

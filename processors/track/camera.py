"""How far the camera moved between two frames, from the boxes alone.

A camera that pans or shakes moves all boxes by the same amount at once, those of unseen tracks too. The most
common displacement between predicted and detected boxes is that amount: it is looked for when the boxes
fit badly, and its rest is taken from the median of the matched ones.
"""

from math import sqrt
from typing import Final

import numpy as np

from processors.track.state import Floats

MIN_VOTES: Final = 4
MAX_PAIRS: Final = 1024
SIZE_TOLERANCE: Final = 0.25  # boxes whose sides differ by more than this share cannot be the same object
SPREAD: Final = 0.2  # displacements of one camera motion are this alike, in median sizes
ADVANTAGE: Final = 1.3  # times the votes for no motion, and two more, make a motion
SURE: Final = 4.0  # squared z score of a median that starts to count


def voted_shift(predicted: Floats, detected: Floats) -> tuple[float, float] | None:
    """The displacement in pixels that most pairs of boxes (4, M) and (4, N) agree on.

    None if there are too few boxes, or no displacement is clearly better than none.
    """
    if min(predicted.shape[1], detected.shape[1]) < MIN_VOTES:
        return None
    size = float(np.sort(np.sqrt(predicted[2] * predicted[3]))[predicted.shape[1] // 2])
    moved = detected[:2, None, :] - predicted[:2, :, None]
    change = np.abs(detected[2:, None, :] - predicted[2:, :, None])
    change /= predicted[2:, :, None]
    alike = np.maximum(change[0], change[1]) < SIZE_TOLERANCE
    alike &= np.maximum(np.abs(moved[0]), np.abs(moved[1])) < size
    x, y = moved[0][alike], moved[1][alike]
    if not MIN_VOTES <= len(x) <= MAX_PAIRS:
        return None
    support = np.square(x[:, None] - x) + np.square(y[:, None] - y)
    support *= -1.0 / (SPREAD * size) ** 2
    support += 1.0
    np.maximum(support, 0.0, out=support)
    votes = support.sum(axis=1)
    best = int(votes.argmax())
    still = np.maximum(1.0 - (x * x + y * y) / (SPREAD * size) ** 2, 0.0).sum()
    if votes[best] <= ADVANTAGE * still + 2:
        return None
    weights = support[best] / votes[best]
    return float((weights * x).sum()), float((weights * y).sum())


def common_shift(innovation: Floats) -> tuple[float, float]:
    """What all matched boxes (2, K) moved by beyond prediction: medians in x and y, as far as sure."""
    count = innovation.shape[1]
    if count < MIN_VOTES:
        return 0.0, 0.0
    x, y = innovation.tolist()
    return _sure_median(sorted(x)), _sure_median(sorted(y))


def _sure_median(ranked: list[float]) -> float:
    count = len(ranked)
    median = (ranked[(count - 1) // 2] + ranked[count // 2]) / 2
    # The error of a median is 1.25 standard deviations over sqrt(count); quartiles are 1.35 of them apart.
    error = 1.25 / 1.35 * (ranked[count - 1 - count // 4] - ranked[count // 4]) / sqrt(count)
    if median * median <= SURE * error * error:
        return 0.0
    return median * (1 - SURE * error * error / (median * median))

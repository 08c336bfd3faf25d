"""What a score is worth on this stream, learned from how often objects of that score are detected again.

Scores do not mean the same from detector to detector: of what it scores 0.9 one invents 3%, another two
thirds. What a detector invents flickers more than what is there. So the stream counts, for each range of
scores, how many tracks that were last seen with such a score were seen again in the next frame. A range whose
objects are seen again less often than those of the best range is trusted less: such a detection counts as a
weak one when tracks are matched, and a new track needs more of them until it is confirmed.
"""

from typing import Final

import numpy as np

from processors.track.config import TrackerConfig
from processors.track.scalars import scalar
from processors.track.state import SCORE, SCORE_EDGES, SCORE_RANGES, UNSEEN_S, Floats, Indices

EDGES: Final = np.array(SCORE_EDGES)
PRIOR_RATE: Final = 0.95  # how often anything is assumed to be detected again, before anything is counted,
PRIOR_COUNT: Final = 5.0  # with the weight of so many detections
PRIOR: Final = np.array([[PRIOR_COUNT], [PRIOR_COUNT * PRIOR_RATE]])
MEMORY: Final = scalar(300.0)  # about so many detections of each range are remembered
LEAST_TRUST: Final = 0.1
SLOW_FRAME_S: Final = 0.25  # at lower rates it says more of how objects move than of the detector


def count(redetections: Floats, numbers: Floats, rows: Indices, dt_s: float) -> Floats:
    """The counts with the tracks that were seen in the frame before.

    Args:
        redetections: (2, SCORE_RANGES) tracks seen with a score of each range, and those seen again.
        numbers: (ROWS, M) the tracks before they take this frame's detections.
        rows: (K,) the tracks that are detected in this frame.
        dt_s: Seconds since the frame before.
    """
    if not numbers.shape[1] or not 0 < dt_s <= SLOW_FRAME_S:
        return redetections
    last = numbers[UNSEEN_S] <= dt_s
    ranges = EDGES.searchsorted(numbers[SCORE], side="right")
    after = redetections.copy()
    after[0] += np.bincount(ranges, last, SCORE_RANGES)
    after[1] += np.bincount(ranges.take(rows), last.take(rows), SCORE_RANGES)
    after *= MEMORY / np.maximum(after[0], MEMORY)
    return after


def trust(redetections: Floats, scores: Floats, config: TrackerConfig) -> Floats:
    """(N,) what detections of `scores` are worth as evidence for an object, from LEAST_TRUST to 1."""
    trials, hits = (redetections + PRIOR).tolist()
    rates = _rising_rates(hits, trials)
    best, low, width = rates[-1][0], config.distrust_rate, config.trust_rate - config.distrust_rate
    by_range: list[float] = []
    for rate, ranges in rates:
        by_range += [max(LEAST_TRUST, min(1.0, (rate / best - low) / width))] * ranges
    worth: Floats = np.array(by_range).take(EDGES.searchsorted(scores, side="right"))
    return worth


def _rising_rates(hits: list[float], trials: list[float]) -> list[tuple[float, int]]:
    """The rates that fit best if a better score is never worth less, and for how many ranges each holds.

    Isotonic regression by pooling (Ayer et al., "An empirical distribution function for sampling
    with incomplete information", 1955).
    """
    pools: list[tuple[float, float, int]] = []
    for hit, trial in zip(hits, trials, strict=True):
        count = 1
        while pools and pools[-1][0] * trial > hit * pools[-1][1]:
            last_hit, last_trial, last_count = pools.pop()
            hit, trial, count = last_hit + hit, last_trial + trial, last_count + count
        pools.append((hit, trial, count))
    return [(hit / trial, count) for hit, trial, count in pools]

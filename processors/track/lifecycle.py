"""Taking a detection, being confirmed, coming to an end."""

import numpy as np

from processors.track.config import TrackerConfig
from processors.track.state import (
    CLAIM,
    CREDIT,
    END_S,
    HITS,
    LOOK_WEIGHT,
    SCORE,
    UNSEEN_S,
    Floats,
    Indices,
    Mask,
)


def living(numbers: Floats) -> Indices | None:
    """Which tracks have not been unseen for too long; None if that is all of them."""
    keep = numbers[UNSEEN_S] <= numbers[END_S]
    return None if keep.all() else keep.nonzero()[0]


def credit(part: Floats, scores: Floats) -> None:
    """Note the detections of `scores` (K,) that the tracks `part` (ROWS, K) took, in place."""
    part[SCORE] = scores
    part[CREDIT] += scores
    part[HITS] += 1.0
    part[UNSEEN_S] = 0.0


def confirm(part: Floats, config: TrackerConfig) -> None:
    """Confirm the tracks `part` (ROWS, K) that have earned it and say how long each will wait, in place."""
    enough = part[CREDIT] >= config.confirm_score
    enough |= part[SCORE] >= config.sure_score
    enough |= part[CLAIM] >= 1.0
    part[CLAIM] = np.where(enough, 1.0, config.tentative_weight)
    confirmed_s = np.where(part[LOOK_WEIGHT] > 0, config.max_look_age_s, config.max_age_s)
    part[END_S] = np.where(enough, confirmed_s, config.tentative_age_s)


def all_confirmed(part: Floats) -> bool:
    """Whether all the tracks `part` (ROWS, K) are."""
    return float(part[CLAIM].min()) >= 1.0


def confirmed(numbers: Floats) -> Mask:
    """(M,) which tracks are confirmed."""
    mask: Mask = numbers[CLAIM] >= 1.0
    return mask

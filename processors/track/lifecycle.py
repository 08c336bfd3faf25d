"""Taking a detection, being confirmed, coming to an end."""

import numpy as np

from processors.track.config import TrackerConfig
from processors.track.scalars import ONE
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
    return None if np.count_nonzero(keep) == len(keep) else keep.nonzero()[0]


def credit(part: Floats, scores: Floats) -> None:
    """Note the detections of `scores` (K,) that the tracks `part` (ROWS, K) took, in place."""
    credit, hits = part[CREDIT], part[HITS]
    part[SCORE] = scores
    credit += scores
    hits += ONE
    part[UNSEEN_S] = 0.0


def doubt(numbers: Floats, config: TrackerConfig) -> None:
    """Make the new tracks `numbers` (ROWS, K) unconfirmed, in place."""
    numbers[CLAIM] = config.tentative_weight
    numbers[END_S] = config.tentative_age_s


def confirm(part: Floats, config: TrackerConfig) -> None:
    """Confirm the tracks `part` (ROWS, K) that have earned it and say how long each will wait, in place."""
    claim, end_s = part[CLAIM], part[END_S]
    claim[(part[CREDIT] >= config.confirm_score) | (part[SCORE] >= config.sure_score)] = 1.0
    enough = claim >= 1.0
    end_s[enough] = config.max_age_s
    end_s[enough & (part[LOOK_WEIGHT] > 0)] = config.max_look_age_s


def all_confirmed(part: Floats) -> bool:
    """Whether all the tracks `part` (ROWS, K) are."""
    return bool(np.count_nonzero(confirmed(part)) == part.shape[1])


def confirmed(numbers: Floats) -> Mask:
    """(M,) which tracks are confirmed."""
    mask: Mask = numbers[CLAIM] >= ONE
    return mask

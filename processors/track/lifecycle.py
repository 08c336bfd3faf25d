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
    """Let the tracks `numbers` (ROWS, K) earn their place, anew if they had one, in place.

    New tracks must, and so must those that came back by their look alone: a log cannot take a row back, and
    who only looks alike is seldom found again in the frames that follow.
    """
    numbers[CLAIM] = config.tentative_weight
    numbers[CREDIT] = 0.0


def confirm(part: Floats, dt_s: float, config: TrackerConfig) -> None:
    """Confirm the tracks `part` (ROWS, K), just seen, that have earned it; say how long each will wait.

    The longer a track with a look has been seen, the longer it waits: a false detection of two frames must
    not be found again in somebody else ten seconds later.

    Args:
        part: The tracks, changed in place.
        dt_s: Seconds since the frame before.
        config: For what must be earned, and how long to wait.
    """
    claim, end_s = part[CLAIM], part[END_S]
    claim[(part[CREDIT] >= config.confirm_score) | (part[SCORE] >= config.sure_score)] = 1.0
    enough = (claim >= ONE).nonzero()[0]
    if not enough.size:  # as it mostly is with new tracks
        return
    waits_s = np.maximum(end_s, config.max_age_s)
    waits_s += config.look_age_growth * dt_s
    np.minimum(waits_s, config.max_look_age_s, out=waits_s)
    waits_s[part[LOOK_WEIGHT] == 0] = config.max_age_s
    end_s[enough] = waits_s[enough]


def all_confirmed(part: Floats) -> bool:
    """Whether all the tracks `part` (ROWS, K) are."""
    return bool(np.count_nonzero(confirmed(part)) == part.shape[1])


def confirmed(numbers: Floats) -> Mask:
    """(M,) which tracks are confirmed."""
    mask: Mask = numbers[CLAIM] >= ONE
    return mask

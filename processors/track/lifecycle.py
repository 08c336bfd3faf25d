"""Taking a detection, being confirmed, coming to an end."""

from typing import Final

import numpy as np

from processors.track.config import TrackerConfig
from processors.track.scalars import ONE, scalar
from processors.track.state import (
    CONFIRMED,
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

FULL_TRUST: Final = scalar(0.9)
SLOW_FRAME_S: Final = 0.2  # seconds between frames from which on each counts for more
FRAMES_AWAITED: Final = 2.5  # at low rates a track waits at least for the next two frames


def living(numbers: Floats) -> Indices | None:
    """Which tracks have not been unseen for too long; None if that is all of them."""
    keep = numbers[UNSEEN_S] <= numbers[END_S]
    return None if np.count_nonzero(keep) == len(keep) else keep.nonzero()[0]


def evidence(scores: Floats, trust: Floats, dt_s: float, config: TrackerConfig) -> Floats:
    """(N,) what detections say for that there is an object: `confirm_score` of it confirms a track.

    At low rates there are fewer frames to wait for, so each counts for more.

    Args:
        scores: (N,) their scores.
        trust: (N,) how far the scores are to be trusted, see `calibration`.
        dt_s: Seconds since the frame before.
        config: For what is enough.
    """
    worth = scores * trust
    if dt_s > SLOW_FRAME_S:
        worth *= dt_s / SLOW_FRAME_S
    sure = scores >= config.scalars.sure_score
    sure &= trust >= FULL_TRUST
    np.maximum(worth, sure * config.scalars.confirm_score, out=worth)
    return worth


def credit(part: Floats, scores: Floats, worth: Floats) -> None:
    """Note detections that the tracks `part` (ROWS, K) took, in place.

    Args:
        part: The tracks.
        scores: (K,) the detections' scores.
        worth: (K,) what they are worth as evidence that there is an object, see `evidence`.
    """
    credit, hits = part[CREDIT], part[HITS]
    part[SCORE] = scores
    credit += worth
    hits += ONE
    part[UNSEEN_S] = 0.0


def least_wait_s(usual_s: float, dt_s: float, config: TrackerConfig) -> float:
    """How long a track is waited for at least: `usual_s`, or longer if frames come every `dt_s` only."""
    return max(usual_s, min(FRAMES_AWAITED * dt_s, config.max_look_age_s))


def doubt(numbers: Floats) -> None:
    """Let the tracks `numbers` (ROWS, K) earn their place, anew if they had one, in place.

    New tracks must, and so must those that came back by their look alone: a log cannot take a row back, and
    who only looks alike is seldom found again in the frames that follow.
    """
    numbers[CONFIRMED] = 0.0
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
    is_confirmed, end_s = part[CONFIRMED], part[END_S]
    is_confirmed[part[CREDIT] >= config.scalars.confirm_score] = 1.0
    enough = (is_confirmed >= ONE).nonzero()[0]
    if not enough.size:  # as it mostly is with new tracks
        return
    shortest_s = least_wait_s(config.max_age_s, dt_s, config)
    waits_s = np.maximum(end_s, shortest_s)
    waits_s += config.look_age_growth * dt_s
    np.minimum(waits_s, config.max_look_age_s, out=waits_s)
    waits_s[part[LOOK_WEIGHT] == 0] = shortest_s
    end_s[enough] = waits_s[enough]


def all_confirmed(part: Floats) -> bool:
    """Whether all the tracks `part` (ROWS, K) are."""
    return bool(np.count_nonzero(confirmed(part)) == part.shape[1])


def confirmed(numbers: Floats) -> Mask:
    """(M,) which tracks are confirmed."""
    mask: Mask = numbers[CONFIRMED] >= ONE
    return mask

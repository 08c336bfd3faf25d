"""New tracks from the detections that no track took."""

import numpy as np

from processors.track import appearance, association, labels, lifecycle, motion
from processors.track.config import TrackerConfig
from processors.track.gaps import YOUNG_INSIDE
from processors.track.observation import Seen
from processors.track.state import END_S, GAP_KIND, MOTION, ROWS, SHOWN_S, UNSEEN_S, Floats, Indices
from processors.track.work import Matches, Work


def give_birth(
    work: Work,
    seen: Seen,
    found: labels.Evidence,
    matches: Matches,
    worth: Floats,
    first_id: int,
    patience_s: Floats,
    dt_s: float,
    config: TrackerConfig,
) -> tuple[int, int]:
    """Start a track from each free detection that is good enough.

    Returns:
        How many were started, and how many tracks were ended or not started because of `max_tracks`.
    """
    if len(matches.columns) == len(seen):
        return 0, 0
    free = seen.scores >= config.scalars.birth_score
    free[matches.columns] = False
    columns = free.nonzero()[0]
    if not columns.size:
        return 0, 0
    if columns.size > 1:
        columns = seen.ranked(columns)
    if columns.size > 1 or matches.columns.size:
        columns = _single(seen, found.kinds, columns, matches, config)
        if not columns.size:
            return 0, 0
    columns, over = _with_room(work, columns, config)
    count, scores = len(columns), seen.scores.take(columns)
    numbers = np.zeros((ROWS, count))
    numbers[MOTION] = motion.start(seen.box.take(columns, axis=1), config)
    numbers[END_S] = _tentative_age_s(dt_s, config)
    lifecycle.doubt(numbers)
    lifecycle.credit(numbers, scores, worth.take(columns))
    labels.start(numbers, found, columns)
    embeddings = np.zeros((count, work.embeddings.shape[1]), np.float16)
    if seen.looks is not None:
        embeddings = appearance.remember(embeddings, numbers, seen.looks.take(columns, axis=0), scores)
    lifecycle.confirm(numbers, dt_s, config)
    numbers[GAP_KIND] = YOUNG_INSIDE
    numbers[SHOWN_S] = patience_s[YOUNG_INSIDE]
    work.add(numbers, np.arange(first_id, first_id + count, dtype=np.uint64), embeddings)
    return count, over


def _tentative_age_s(dt_s: float, config: TrackerConfig) -> float:
    if dt_s == 0:  # the first frame: how long until the next one is not known yet
        return config.max_age_s
    return lifecycle.least_wait_s(config.tentative_age_s, dt_s, config)


def _single(seen: Seen, kinds: Floats, columns: Indices, matches: Matches, config: TrackerConfig) -> Indices:
    # An object found twice is one, also as truck and as bus: its better box starts a track, or has one. But
    # a rider and a bicycle are two, so boxes of two classes must be nearer to the same.
    if columns.size == 1 and _alone(seen, int(columns[0])):
        return columns
    rivals = np.concatenate([matches.columns, columns])
    overlap = association.overlaps_of(
        seen.corners.take(columns, axis=1),
        seen.corners.take(rivals, axis=1),
        seen.areas.take(columns),
        seen.areas.take(rivals),
    )
    other = kinds.take(columns)[:, None] != kinds.take(rivals)
    double = overlap > np.where(other, config.double_iou_across, config.double_iou)
    if np.count_nonzero(double) == len(columns):  # each overlaps itself only
        return columns
    first = len(matches.columns)
    better = np.arange(len(rivals)) < first + np.arange(len(columns))[:, None]
    single: Indices = columns[~(double & better).any(axis=1)]
    return single


def _alone(seen: Seen, column: int) -> bool:
    x, y, width, height = seen.box[:, column].tolist()
    near = np.abs(seen.box[0] - x) < width
    near &= np.abs(seen.box[1] - y) < height
    return bool(np.count_nonzero(near) == 1)


def _with_room(work: Work, columns: Indices, config: TrackerConfig) -> tuple[Indices, int]:
    over = work.numbers.shape[1] + len(columns) - config.max_tracks
    if over <= 0:
        return columns, 0
    unseen_s = work.numbers[UNSEEN_S]
    longest = (-unseen_s).argsort(kind="stable")
    ended = longest[: min(over, int((unseen_s > 0).sum()))]
    keep = np.ones(len(unseen_s), np.bool_)
    keep[ended] = False
    work.keep(keep.nonzero()[0])
    return columns[: len(columns) - (over - len(ended))], over

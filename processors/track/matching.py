"""Which track took which detection in this frame, with the camera's motion and looks taken into account."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from processors.track import association, camera, motion
from processors.track.appearance import Looks, gains, learned, ownness
from processors.track.config import TrackerConfig
from processors.track.labels import Evidence
from processors.track.lifecycle import confirmed
from processors.track.nearest import is_slow, nearest
from processors.track.observation import Seen
from processors.track.scalars import ZERO, scalar
from processors.track.state import BOX, CENTRE, KIND, SIDES, SPEED, UNSEEN_S, WIDTH, Floats, Indices, Mask
from processors.track.work import Matches, Work, no_matches

FRESH_S: Final = scalar(0.1)  # tracks seen this lately tell how the camera moved
GOOD_SCORE: Final = scalar(0.3)  # and so do detections of this score
GOOD_OVERLAP: Final = 0.7  # matches that overlap less on average hint at a camera that moved,
GOOD_SHARE: Final = 0.6  # and so do fewer matches than this share of what there was to match
SHIFT_ROUNDS: Final = 2
SMALL_SHIFT: Final = 0.05  # of the narrowest box: a move of the camera that changes no match
NOTHING: Final = np.zeros(0, np.intp)
SAME_SIZE: Final = 1.6  # a track comes back by its look at no more than this ratio of sizes


class _Matcher:
    """Matches one frame; keeps what the repeated rounds of it share, and the last round."""

    pairs: association.Pairs
    chosen: Indices
    rows: Indices
    columns: Indices
    overlaps: Floats
    part: Floats
    box: Floats
    alike: Floats  # of the pairs, where there are looks
    known: Mask

    def __init__(
        self,
        work: Work,
        seen: Seen,
        found: Evidence,
        looks: Looks | None,
        trusted: Floats,
        config: TrackerConfig,
    ) -> None:
        self.work, self.seen, self.found, self.looks, self.config = work, seen, found, looks, config
        self.trusted = trusted

    def once(self) -> None:
        """Match with the tracks where they are now."""
        numbers = self.work.numbers
        pairs = association.candidates(numbers, self.seen, self.config)
        claim = pairs.gains
        if len(self.found.names) > 1:
            other = numbers[KIND].take(pairs.rows) != self.found.kinds.take(pairs.columns)
            if np.count_nonzero(other):
                claim = claim * (1.0 - self.config.class_weight * other)
        if self.looks is not None:
            self.alike = self.looks.alikeness(pairs.rows, pairs.columns)
            self.known = self.looks.known(pairs.rows, pairs.columns)
            told = gains(self.alike, self.work.look_statistics, self.config)
            told *= self.known
            told *= self.seen.scores.take(pairs.columns)  # the look of a weak detection is a weak argument
            claim = np.maximum(claim + told, ZERO)
        self.pairs = pairs
        self.chosen = chosen = self._in_rounds(pairs, claim)
        self.rows, self.columns = pairs.rows.take(chosen), pairs.columns.take(chosen)
        self.overlaps = pairs.overlaps.take(chosen)
        self.part = numbers.take(self.rows, axis=1)
        self.box = self.seen.box.take(self.columns, axis=1)

    def _in_rounds(self, pairs: association.Pairs, claim: Floats) -> Indices:
        """Confirmed tracks first, with strong detections, then with weak ones; the others with what is left.

        Weak detections are often doubles, or nothing. They continue a track where it was expected if nothing
        better does, as in ByteTrack (Zhang et al., ECCV 2022); nor does a track that may not be there take a
        detection from one that is.
        """
        chosen = NOTHING
        for mask in self._rounds(pairs):
            places = mask.nonzero()[0]
            if places.size and chosen.size:
                places = places[self._free(pairs, chosen, places)]
            if not places.size:
                continue
            if places.size == mask.size:
                return association.matching(pairs.rows, pairs.columns, claim, pairs.shape)
            rows, columns = pairs.rows.take(places), pairs.columns.take(places)
            found = places.take(association.matching(rows, columns, claim.take(places), pairs.shape))
            if chosen.size:
                found = np.concatenate([chosen, found])
                found.sort()
            chosen = found
        return chosen

    def _rounds(self, pairs: association.Pairs) -> Iterator[Mask]:
        """(P,) which pairs each round looks at; without rounds that cannot have any."""
        scores, limits = self.seen.scores, self.config.scalars
        trusted = (self.trusted >= limits.weak_score).take(pairs.columns)
        known = confirmed(self.work.numbers).take(pairs.rows)
        first = trusted & known
        yield first
        if np.count_nonzero(trusted) < trusted.size:
            weak = known > first
            weak &= pairs.overlaps >= limits.weak_iou
            weak &= (scores >= limits.least_score).take(pairs.columns)
            yield weak
        if np.count_nonzero(known) < known.size:
            yield (scores >= limits.weak_score).take(pairs.columns) > known

    def _free(self, pairs: association.Pairs, chosen: Indices, places: Indices) -> Mask:
        """Which of the pairs `places` have neither a track nor a detection of those `chosen`."""
        taken_rows, taken_columns = np.zeros(pairs.shape[0], np.bool_), np.zeros(pairs.shape[1], np.bool_)
        taken_rows[pairs.rows.take(chosen)] = True
        taken_columns[pairs.columns.take(chosen)] = True
        taken = taken_rows.take(pairs.rows.take(places))
        taken |= taken_columns.take(pairs.columns.take(places))
        free: Mask = ~taken
        return free

    def fits(self) -> bool:
        """Whether the matches look as they do when the camera stands still."""
        matched = self.rows.size
        if not matched or sum(self.overlaps.tolist()) < GOOD_OVERLAP * matched:
            return False
        if matched >= GOOD_SHARE * len(self.seen):
            return True
        if matched >= GOOD_SHARE * int(np.count_nonzero(self.seen.scores > GOOD_SCORE)):
            return True
        fresh = int(np.count_nonzero(self.work.numbers[UNSEEN_S] < FRESH_S))
        return matched >= GOOD_SHARE * fresh

    def vote(self) -> bool:
        """Move the tracks by the camera's motion, if it is clear; whether they were moved."""
        numbers = self.work.numbers
        fresh = (numbers[UNSEEN_S] < FRESH_S).nonzero()[0]
        good = self.seen.ranked((self.seen.scores > GOOD_SCORE).nonzero()[0])
        shift = camera.voted_shift(numbers[BOX].take(fresh, axis=1), self.seen.box.take(good, axis=1))
        if shift is None:
            return False
        self._move(*shift)
        return True

    def settle(self) -> bool:
        """Move the tracks by what all matches have in common; whether that may change the matches."""
        x, y = camera.common_shift(self.box[CENTRE] - self.part[CENTRE])
        if not (x or y):
            return False
        self._move(x, y)
        if max(abs(x), abs(y)) > SMALL_SHIFT * min(self.part[WIDTH].tolist()):
            return True
        self.part = self.work.numbers.take(self.rows, axis=1)
        return False

    def _move(self, x: float, y: float) -> None:
        centre = self.work.numbers[CENTRE]
        centre[0] += x
        centre[1] += y

    def take_nearest(self, dt_s: float) -> None:
        """Add pairs without overlap that can only belong together; see `nearest`."""
        if not is_slow(dt_s, self.config):
            return
        unmatched = np.ones(self.work.numbers.shape[1], np.bool_)
        unmatched[self.rows] = False
        free = self.trusted >= self.config.weak_score
        free[self.columns] = False
        rows, columns = unmatched.nonzero()[0], free.nonzero()[0]
        rows, columns = nearest(self.work.numbers, rows, self.seen.box, columns, dt_s, self.config)
        if not rows.size:
            return
        self.rows, self.columns = np.concatenate([self.rows, rows]), np.concatenate([self.columns, columns])
        self.overlaps = np.concatenate([self.overlaps, np.zeros(len(rows))])
        self.part = self.work.numbers.take(self.rows, axis=1)
        self.box = self.seen.box.take(self.columns, axis=1)

    def learn(self) -> None:
        """Take the looks of the pairs, matched and not, into the statistics."""
        matched = np.zeros(len(self.known), np.bool_)
        matched[self.chosen] = True
        alike, matched = self.alike[self.known], matched[self.known]
        self.work.look_statistics = learned(self.work.look_statistics, alike, matched)


def match(
    work: Work,
    seen: Seen,
    found: Evidence,
    looks: Looks | None,
    trusted: Floats,
    dt_s: float,
    config: TrackerConfig,
) -> Matches:
    """Match by motion, class and look; moves the tracks by the camera's motion and learns from the looks."""
    if not (work.numbers.shape[1] and len(seen)):
        return no_matches()
    matcher = _Matcher(work, seen, found, looks, trusted, config)
    matcher.once()
    if not matcher.fits() and matcher.vote():
        matcher.once()
    for _ in range(SHIFT_ROUNDS):
        if not matcher.settle():
            break
        matcher.once()
    if looks is not None:
        matcher.learn()
    matcher.take_nearest(dt_s)
    return Matches(matcher.rows, matcher.columns, matcher.overlaps, matcher.part, matcher.box)


def returned(
    work: Work, seen: Seen, found: Evidence, taken: Matches, looks: Looks | None, config: TrackerConfig
) -> tuple[Indices, Indices]:
    """Match what is left by look alone: lost tracks that come back not too far from where they were.

    Returns:
        Columns of the tracks, and the detections.
    """
    if looks is None:
        return NOTHING, NOTHING
    free = (seen.scores >= config.birth_score) & looks.seen_known
    free[taken.columns] = False
    lost = confirmed(work.numbers) & looks.tracks_known
    lost[taken.rows] = False
    rows, columns = lost.nonzero()[0], free.nonzero()[0]
    if not (rows.size and columns.size):
        return NOTHING, NOTHING
    near = _in_reach(work.numbers.take(rows, axis=1), seen.box.take(columns, axis=1), config)
    flat = near.reshape(-1).nonzero()[0]
    first, second = np.divmod(flat, len(columns))
    rows, columns = rows.take(first), columns.take(second)
    own = ownness(looks.alikeness(rows, columns), work.look_statistics)
    own *= 1.0 - config.class_weight * (work.numbers[KIND].take(rows) != found.kinds.take(columns))
    chosen = association.matching(first, second, np.maximum(own - config.return_margin, 0.0), near.shape)
    return rows.take(chosen), columns.take(chosen)


def _in_reach(tracks: Floats, box: Floats, config: TrackerConfig) -> Mask:
    # From where and how large a track was last seen, not from where it would be if it had gone straight on:
    # who is hidden for seconds may have turned, but is not much faster than before.
    unseen_s, speed = tracks[UNSEEN_S], tracks[SPEED]
    width, height = np.maximum(tracks[SIDES] - speed[SIDES] * unseen_s, motion.MIN_SIDE_PX)
    size = np.sqrt(width * height)[:, None]
    gone = np.sqrt(speed[0] * speed[0] + speed[1] * speed[1]) * unseen_s
    radius = size * (config.reach[0] + config.reach[1] * unseen_s[:, None]) + gone[:, None]
    away_x, away_y = box[CENTRE][:, None] - (tracks[CENTRE] - speed[CENTRE] * unseen_s)[:, :, None]
    ratio = np.sqrt(box[2] * box[3]) / size
    near: Mask = away_x * away_x + away_y * away_y < radius * radius
    near &= (ratio < SAME_SIZE) & (ratio > 1 / SAME_SIZE)
    return near

"""The tracker: a pure step from one frame's detections to the stream's tracks.

`step` reads no clock, has no randomness and never changes its arguments, so the same detections always give
the same tracks, and a state restored from its bytes goes on exactly as if nothing had happened.

What is put out: confirmed tracks, while they are seen, and after that while they will probably be seen again
(`observed` is False then; see `lifecycle`). A track that is not confirmed yet is not put out, since a log
cannot take a row back; a detection of `sure_score` confirms its track at once, so clear objects lose no
frame.
"""

from typing import Final

import numpy as np

from processors.track import (
    appearance,
    birth,
    calibration,
    coasting,
    labels,
    lifecycle,
    matching,
    motion,
    output,
    residuals,
)
from processors.track.config import DEFAULT_CONFIG, TrackerConfig
from processors.track.gaps import patience_s as patience_of
from processors.track.observation import Seen, observe
from processors.track.output import StepResult as StepResult
from processors.track.state import MOTION, UNSEEN_S, Floats, TrackerState
from processors.track.work import Matches, Work, begin
from schemas.detections import Detections

REFRESH_S: Final = 0.25  # how long tracks are waited for changes slowly, and is worked out this often


def step(
    state: TrackerState, detections: Detections, config: TrackerConfig = DEFAULT_CONFIG
) -> tuple[TrackerState, StepResult | None]:
    """Take one frame's detections into the state.

    Returns:
        The new state and what to send. A frame that is not newer than the state by `(epoch, seq)` changes
        nothing: the same state comes back, with None.
    """
    if state.order is not None and detections.order <= state.order:
        return state, None
    seen = observe(detections, config)
    found = labels.evidence_of(detections, seen, state.names)
    dt_s = _elapsed_s(state, detections)
    work = begin(state, seen)
    gaps = _advance(work, state.gaps, dt_s, config)
    looks = appearance.compare(
        work.embeddings, work.numbers, seen.looks, work.mean_look, state.next_track_id - 1
    )
    trust = calibration.trust(state.redetections, seen.scores, config)
    matches = matching.match(work, seen, found, looks, seen.scores * trust, dt_s, config)
    gaps = coasting.count_ends(matches, gaps, dt_s)
    work.redetections = calibration.count(work.redetections, work.numbers, matches.rows, dt_s)
    worth = lifecycle.evidence(seen.scores, trust, dt_s, config)
    came_back = _take_back(work, seen, found, matches, looks, config)
    news = _follow(work, seen, found, matches, worth, came_back, dt_s, config)
    patience_s, refresh_in_s = state.patience_s, state.refresh_in_s - dt_s
    if refresh_in_s <= 0:
        refresh_in_s = REFRESH_S
        patience_s = patience_of(gaps, config.coast_probability)
        coasting.prepare(matches.part, patience_s, detections.width, detections.height)
    work.numbers[:, matches.rows] = matches.part
    born, over = birth.give_birth(
        work, seen, found, matches, worth, state.next_track_id, patience_s, dt_s, config
    )
    show = coasting.shown(work.numbers)
    left_out = output.left_out(len(detections.scores) - len(seen), over)
    message = output.tracks_message(
        detections,
        work.numbers,
        work.track_ids,
        show,
        found.names,
        left_out,
        residuals.shares(work.correlations),
    )
    changes = output.label_messages(detections, news, found.names) if news else ()
    mean_look, statistics = work.mean_look, work.look_statistics
    if looks is not None and seen.looks is not None:
        mean_look, statistics = appearance.mean_after(mean_look, statistics, seen.looks, looks.seen_known)
    names, numbers = labels.without_unused(found.names, work.numbers)
    after = TrackerState(
        order=detections.order,
        captured_at_ns=detections.captured_at_ns,
        next_track_id=state.next_track_id + born,
        names=names,
        numbers=numbers,
        track_ids=work.track_ids,
        embeddings=work.embeddings,
        mean_look=mean_look,
        look_statistics=statistics,
        gaps=gaps,
        patience_s=patience_s,
        refresh_in_s=refresh_in_s,
        redetections=work.redetections,
        correlations=work.correlations,
    )
    return after, StepResult(tracks=message, classifications=changes)


def _elapsed_s(state: TrackerState, detections: Detections) -> float:
    # A clock that was set back must not turn time around: no time has passed then.
    if state.order is None:
        return 0.0
    return max(0, detections.captured_at_ns - state.captured_at_ns) * 1e-9


def _advance(work: Work, gaps: Floats, dt_s: float, config: TrackerConfig) -> Floats:
    """Move the tracks on, without those whose time is over; returns how gaps ended, with theirs."""
    unseen_s = work.numbers[UNSEEN_S]
    unseen_s += dt_s
    living = lifecycle.living(work.numbers)
    if living is not None:
        gaps = coasting.count_losses(work.numbers, living, gaps)
        work.keep(living)
    if len(work.track_ids):  # no track outlives a gap that would make its numbers huge
        motion.predict(work.numbers, dt_s, config)
    return gaps


def _take_back(
    work: Work,
    seen: Seen,
    found: labels.Evidence,
    matches: Matches,
    looks: appearance.Looks | None,
    config: TrackerConfig,
) -> int:
    """Add to the matches the tracks that came back by their look, behind the others; returns how many."""
    rows, columns = matching.returned(work, seen, found, matches, looks, config)
    if rows.size:
        matches.rows = np.concatenate([matches.rows, rows])
        matches.columns = np.concatenate([matches.columns, columns])
        matches.part = work.numbers.take(matches.rows, axis=1)
        matches.box = seen.box.take(matches.columns, axis=1)
    return len(rows)


def _follow(
    work: Work,
    seen: Seen,
    found: labels.Evidence,
    matches: Matches,
    worth: Floats,
    came_back: int,
    dt_s: float,
    config: TrackerConfig,
) -> list[output.LabelNews]:
    """Take the detections into `matches.part`; the last `came_back` of the tracks have lost their place."""
    rows, columns, part = matches.rows, matches.columns, matches.part
    if not rows.size:
        return []
    scores = seen.scores.take(columns)
    motion.update(part, matches.box, config)
    work.correlations = residuals.note(part, matches.box, work.correlations, dt_s)
    if came_back:
        part[MOTION, -came_back:] = motion.start(matches.box[:, -came_back:], config)
        lifecycle.doubt(part[:, -came_back:])
    lifecycle.credit(part, scores, worth.take(columns))
    labels.forget(part, dt_s)
    if len(found.names) > 1:
        labels.take_kinds(part, found.kinds.take(columns), scores)
    news = labels.take_labels(part, found, columns, config)
    if seen.looks is not None:
        looks = seen.looks.take(columns, axis=0)
        work.embeddings[rows] = appearance.remember(work.embeddings.take(rows, axis=0), part, looks, scores)
    if seen.looks is not None or not lifecycle.all_confirmed(part):
        lifecycle.confirm(part, dt_s, config)
    if not news:
        return []
    told = [(int(work.track_ids[rows[k]]), part[:, k], previous) for k, previous in news]
    return sorted(told, key=lambda each: each[0])

"""The tracker: a pure step from one frame's detections to the stream's tracks.

`step` reads no clock, has no randomness and never changes its arguments, so the same detections always give
the same tracks, and a state restored from its bytes goes on exactly as if nothing had happened.

What is put out: confirmed tracks, while they are seen, and after that while they will probably be seen again
(`observed` is False then; see `lifecycle`). A track that is not confirmed yet is not put out, since a log
cannot take a row back; a detection of `sure_score` confirms its track at once, so clear objects lose no
frame.
"""

from processors.track import appearance, birth, coasting, labels, lifecycle, matching, motion, output
from processors.track.config import DEFAULT_CONFIG, TrackerConfig
from processors.track.gaps import patience_s as patience_of
from processors.track.observation import Seen, observe
from processors.track.output import StepResult as StepResult
from processors.track.state import MOTION, UNSEEN_S, Floats, TrackerState
from processors.track.work import Matches, Work, begin
from schemas.detections import Detections


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
    looks = appearance.compare(work.embeddings, work.numbers, seen.looks, work.mean_look)
    matches = matching.match(work, seen, found, looks, config)
    gaps = coasting.count_ends(work.numbers, matches, gaps, dt_s)
    patience_s = state.patience_s
    if gaps is not state.gaps or state.order is None:
        patience_s = patience_of(gaps, config.coast_probability)
    back = matching.returned(work, seen, matches, looks, config)
    part, news = _follow(work, seen, found, matches, back, dt_s, config)
    coasting.prepare(part, patience_s, detections.width, detections.height)
    matches = matches.and_also(back)
    work.numbers[:, matches.rows] = part
    born, over = birth.give_birth(work, seen, found, matches, state.next_track_id, config)
    show = coasting.shown(work.numbers)
    message = output.tracks_message(detections, work.numbers, work.track_ids, show, found.names)
    changes = output.label_messages(detections, news, found.names) if news else ()
    mean_look, statistics = work.mean_look, work.look_statistics
    if seen.looks is not None:
        mean_look, statistics = appearance.mean_after(mean_look, statistics, seen.looks)
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
    )
    dropped = {"detections_over_limit": len(detections.scores) - len(seen), "tracks_full": over}
    dropped = {reason: count for reason, count in dropped.items() if count}
    return after, StepResult(tracks=message, classifications=changes, dropped=dropped)


def _elapsed_s(state: TrackerState, detections: Detections) -> float:
    # A clock that was set back must not turn time around: no time has passed then.
    if state.order is None:
        return 0.0
    return max(0, detections.captured_at_ns - state.captured_at_ns) * 1e-9


def _advance(work: Work, gaps: Floats, dt_s: float, config: TrackerConfig) -> Floats:
    """Move the tracks on, without those whose time is over; returns how gaps ended, with theirs."""
    work.numbers[UNSEEN_S] += dt_s
    living = lifecycle.living(work.numbers)
    if living is not None:
        gaps = coasting.count_losses(work.numbers, living, gaps)
        work.keep(living)
    if len(work.track_ids):  # no track outlives a gap that would make its numbers huge
        motion.predict(work.numbers, dt_s, config)
    return gaps


def _follow(
    work: Work,
    seen: Seen,
    found: labels.Evidence,
    matches: Matches,
    back: Matches,
    dt_s: float,
    config: TrackerConfig,
) -> tuple[Floats, list[output.LabelNews]]:
    """The numbers of the matched tracks and then of those that came `back`, after their detections."""
    both = matches.and_also(back)
    rows, columns = both.rows, both.columns
    part = work.numbers.take(rows, axis=1)
    if not rows.size:
        return part, []
    box, scores = seen.box.take(columns, axis=1), seen.scores.take(columns)
    motion.update(part, box, config)
    if back.rows.size:
        part[MOTION, len(matches.rows) :] = motion.start(seen.box.take(back.columns, axis=1), config)
    lifecycle.credit(part, scores)
    labels.forget(part, dt_s)
    if len(found.names) > 1:
        labels.take_kinds(part, found.kinds.take(columns), scores)
    news = labels.take_labels(part, found, columns, config)
    if seen.looks is not None:
        looks = seen.looks.take(columns, axis=0)
        work.embeddings[rows] = appearance.remember(work.embeddings.take(rows, axis=0), part, looks, scores)
    if seen.looks is not None or not lifecycle.all_confirmed(part):
        lifecycle.confirm(part, config)
    told = [(int(work.track_ids[rows[k]]), part[:, k], previous) for k, previous in news]
    return part, sorted(told, key=lambda each: each[0])

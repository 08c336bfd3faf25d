"""The tracker: a pure step from one frame's detections to the stream's tracks.

`step` reads no clock, has no randomness and never changes its arguments, so the same detections always give
the same tracks, and a state restored from its bytes goes on exactly as if nothing had happened.

What is put out: confirmed tracks, while they are seen and for `coast_s` after (with `observed` False). A
track that is not confirmed yet is not put out, since a log cannot take a row back; a detection of
`sure_score` confirms its track at once, so clear objects lose no frame.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from processors.track import association, labels, motion
from processors.track.config import DEFAULT_CONFIG, TrackerConfig
from processors.track.state import (
    BOX,
    CONFIRMED,
    EVIDENCE,
    LABEL_SLOTS,
    MOTION,
    NO_LABEL,
    ROWS,
    SCORE,
    UNSEEN_S,
    Floats,
    Indices,
    TrackerState,
)
from schemas.classifications import Classification
from schemas.detections import Detections
from schemas.tracks import Tracks
from schemas.wire import MAX_COORDINATE_PX

MAX_NAMES = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class StepResult:
    """What one frame led to.

    Attributes:
        tracks: The confirmed live tracks; its trace is that of the detections.
        classifications: Labels decided or changed at this frame, by rising track id.
        dropped: How many things were left out, by reason; only reasons that occurred.
    """

    tracks: Tracks
    classifications: tuple[Classification, ...]
    dropped: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class _Seen:
    """A frame's detections, best scores first: box (4, N), score (N,), label (N,)."""

    box: Floats
    score: Floats
    label: npt.NDArray[np.uint16]


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
    dropped: dict[str, int] = {}
    kept = _best(detections, config, dropped)
    names, places = labels.intern(state.names, detections.names, detections.class_ids[kept])
    seen = _Seen(_centres(detections.boxes[kept]), detections.scores[kept].astype(np.float64), places)
    dt_s = _elapsed_s(state, detections)
    moved = _Tracks.of(state)
    motion.predict(moved.numbers, dt_s, config)
    moved.numbers[UNSEEN_S] += dt_s
    moved = moved.subset(_alive(moved.numbers, config))
    rows, columns = _match(moved.numbers, seen, config)
    _take(moved, seen, rows, columns, config)
    unmatched = np.setdiff1d(np.arange(len(seen.score)), columns)
    born = unmatched[seen.score[unmatched] >= config.birth_score]
    room = config.max_tracks - len(moved.track_ids)
    if len(born) > room:
        dropped["tracks_full"] = len(born) - room
        born = born[:room]
    moved = moved.joined(_births(seen, born, state.next_track_id, config))
    after, decided, news = labels.settle(
        moved.labels, moved.decided, moved.label_ids, moved.label_weights, config
    )
    result = _result(detections, moved, names, after, news, dropped, config)
    if len(names) > MAX_NAMES:
        names, after, moved.label_ids = labels.drop_unused(names, after, moved.label_ids)
    return (
        TrackerState(
            order=detections.order,
            captured_at_ns=detections.captured_at_ns,
            next_track_id=state.next_track_id + len(born),
            names=names,
            numbers=moved.numbers,
            track_ids=moved.track_ids,
            labels=after,
            decided=decided,
            label_ids=moved.label_ids,
            label_weights=moved.label_weights,
            embeddings=np.zeros((len(after), 0), np.float16),
        ),
        result,
    )


@dataclass(eq=False)
class _Tracks:
    """The tracks while a step works on them: its own copies, changed in place."""

    numbers: Floats
    track_ids: npt.NDArray[np.uint64]
    labels: npt.NDArray[np.uint16]
    decided: npt.NDArray[np.bool_]
    label_ids: npt.NDArray[np.uint16]
    label_weights: Floats

    @classmethod
    def of(cls, state: TrackerState) -> "_Tracks":
        return cls(
            state.numbers.copy(),
            state.track_ids,
            state.labels,
            state.decided,
            state.label_ids.copy(),
            state.label_weights.copy(),
        )

    def subset(self, keep: Indices) -> "_Tracks":
        return _Tracks(
            self.numbers[:, keep],
            self.track_ids[keep],
            self.labels[keep],
            self.decided[keep],
            self.label_ids[keep],
            self.label_weights[keep],
        )

    def joined(self, other: "_Tracks") -> "_Tracks":
        return _Tracks(
            np.concatenate([self.numbers, other.numbers], axis=1),
            np.concatenate([self.track_ids, other.track_ids]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.decided, other.decided]),
            np.concatenate([self.label_ids, other.label_ids]),
            np.concatenate([self.label_weights, other.label_weights]),
        )


def _best(detections: Detections, config: TrackerConfig, dropped: dict[str, int]) -> Indices:
    order = np.argsort(-detections.scores, kind="stable")
    if len(order) > config.max_detections:
        dropped["detections_over_limit"] = len(order) - config.max_detections
    return order[: config.max_detections]


def _centres(boxes: npt.NDArray[np.float32]) -> Floats:
    corners = boxes.T.astype(np.float64)
    size = np.maximum(corners[2:] - corners[:2], motion.MIN_SIDE_PX)
    return np.concatenate([(corners[:2] + corners[2:]) / 2, size])


def _elapsed_s(state: TrackerState, detections: Detections) -> float:
    if state.order is None:
        return 0.0
    return max(0, detections.captured_at_ns - state.captured_at_ns) / 1e9


def _match(numbers: Floats, seen: _Seen, config: TrackerConfig) -> tuple[Indices, Indices]:
    noise = motion.measurement_noise(motion.sizes_px(numbers[BOX]), config)
    distance = association.squared_distances(numbers, seen.box, noise)
    return association.assign(distance - config.gate)


def _take(tracks: _Tracks, seen: _Seen, rows: Indices, columns: Indices, config: TrackerConfig) -> None:
    numbers = tracks.numbers
    noise = motion.measurement_noise(motion.sizes_px(numbers[BOX][:, rows]), config)
    numbers[MOTION, rows] = motion.update(numbers[MOTION, rows], seen.box[:, columns], noise)
    numbers[SCORE, rows] = seen.score[columns]
    numbers[EVIDENCE, rows] += seen.score[columns]
    numbers[UNSEEN_S, rows] = 0.0
    sure = (numbers[EVIDENCE] >= config.confirm_evidence) | (numbers[SCORE] >= config.sure_score)
    numbers[CONFIRMED] = np.maximum(numbers[CONFIRMED], sure)
    labels.add(tracks.label_ids, tracks.label_weights, rows, seen.label[columns], seen.score[columns])


def _alive(numbers: Floats, config: TrackerConfig) -> Indices:
    age_s = np.where(numbers[CONFIRMED] > 0, config.max_age_s, config.tentative_age_s)
    return np.flatnonzero(numbers[UNSEEN_S] <= age_s)


def _births(seen: _Seen, born: Indices, first_id: int, config: TrackerConfig) -> _Tracks:
    count = len(born)
    numbers = np.zeros((ROWS, count))
    numbers[MOTION] = motion.start(seen.box[:, born], config)
    numbers[SCORE] = numbers[EVIDENCE] = seen.score[born]
    numbers[CONFIRMED] = seen.score[born] >= config.sure_score
    label_ids = np.full((count, LABEL_SLOTS), NO_LABEL, np.uint16)
    label_ids[:, 0] = seen.label[born]
    weights = np.zeros((count, LABEL_SLOTS))
    weights[:, 0] = seen.score[born]
    ids = np.arange(first_id, first_id + count, dtype=np.uint64)
    return _Tracks(numbers, ids, seen.label[born], np.zeros(count, np.bool_), label_ids, weights)


def _result(
    detections: Detections,
    tracks: _Tracks,
    names: tuple[str, ...],
    label: npt.NDArray[np.uint16],
    news: Indices,
    dropped: dict[str, int],
    config: TrackerConfig,
) -> StepResult:
    identity: dict[str, Any] = {
        "stream_id": detections.stream_id,
        "epoch": detections.epoch,
        "seq": detections.seq,
        "captured_at_ns": detections.captured_at_ns,
        "trace": detections.trace,
    }
    numbers = tracks.numbers
    shown = np.flatnonzero((numbers[CONFIRMED] > 0) & (numbers[UNSEEN_S] <= config.coast_s))
    half = numbers[2:4, shown] / 2
    corners = np.concatenate([numbers[:2, shown] - half, numbers[:2, shown] + half]).T
    used, places = np.unique(label[shown], return_inverse=True)
    message = Tracks(
        **identity,
        width=detections.width,
        height=detections.height,
        detections=len(detections.boxes),
        track_ids=tracks.track_ids[shown],
        boxes=np.clip(corners, -MAX_COORDINATE_PX, MAX_COORDINATE_PX).astype(np.float32),
        scores=numbers[SCORE, shown].astype(np.float32),
        label_ids=places.astype(np.uint16),
        labels=tuple(names[index] for index in used.tolist()),
        observed=numbers[UNSEEN_S, shown] == 0,
    )
    changes = []
    for row in news.tolist():
        weights = tracks.label_weights[row]
        share = weights[tracks.label_ids[row] == label[row]].sum() / weights.sum()
        changes.append(
            Classification(
                **identity,
                track_id=int(tracks.track_ids[row]),
                label=names[label[row]],
                previous=names[tracks.labels[row]] if tracks.decided[row] else None,
                confidence=min(float(share), 1.0),
            )
        )
    return StepResult(tracks=message, classifications=tuple(changes), dropped=dropped)

"""What a track is: evidence for labels over its life, and a label that does not flicker.

Each detection that a track takes adds evidence: the classifier's probabilities if it has any, else its score
for the detector's class. A track goes by its first label until another one has `change_ratio` times its
evidence. A label is announced once there is `decide_evidence` for it, and again when it changes.
Once a track has evidence from a classifier, the detector's classes no longer count for its label.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.track.config import TrackerConfig
from processors.track.observation import Seen
from processors.track.scalars import ZERO, scalar
from processors.track.state import (
    CLASSIFIED,
    DECIDED,
    KIND,
    KIND_WEIGHT,
    LABEL,
    LABEL_SLOTS,
    LABELS,
    NO_LABEL,
    WEIGHT,
    WEIGHTS,
    Floats,
    Indices,
    Mask,
)
from schemas.detections import Detections

MAX_NAMES: Final = 1024
OVERFLOW: Final = "(other)"
News = tuple[int, int | None]
"""A track's place among those given, and the label that it was announced with before, or None."""

KIND_LIMIT: Final = scalar(5.0)
MEMORY_S: Final = 30.0  # evidence fades with this time constant
CLASSES_COUNTED: Final = 3  # a detection's most probable classes are evidence, the rest is noise


@dataclass(eq=False, slots=True)
class Evidence:
    """What N detections say that they are, as indices into `names`.

    Attributes:
        names: The stream's label names.
        kinds: float64 (N,): the detector's class.
        labels: float64 (C, N): labels with evidence, best first.
        weights: float64 (C, N): the evidence.
        classified: bool (N,): whether it comes from a classifier; None if nowhere.
    """

    names: tuple[str, ...]
    kinds: Floats
    labels: Floats
    weights: Floats
    classified: Mask | None


def evidence_of(detections: Detections, seen: Seen, names: tuple[str, ...]) -> Evidence:
    """What the detections are evidence for; new names are appended to the stream's."""
    if detections.probabilities is None and len(names) == 1 and names == (*detections.names.values(),):
        kinds = np.zeros(len(seen))  # one class, as before
        return Evidence(names, kinds, kinds[None], seen.scores[None], None)
    known = {name: place for place, name in enumerate(names)}
    class_ids, given = detections.class_ids, detections.probabilities
    if seen.kept is not None:
        class_ids = class_ids.take(seen.kept)
        given = None if given is None else given.take(seen.kept, axis=0)
    kinds = _places(known, detections.names, class_ids)
    labels, weights, classified = kinds[None], seen.scores[None], None
    if given is not None and detections.attributes and len(seen):
        classified = np.asarray(given.any(axis=1))
        count = min(CLASSES_COUNTED, given.shape[1])
        best, told = _most_probable(given, count)
        found = _places(known, dict(enumerate(detections.attributes)), best)
        spare = np.full((count - 1, len(kinds)), NO_LABEL)
        labels = np.where(classified, found, np.concatenate([labels, spare]))
        weights = np.where(classified, told, np.concatenate([weights, np.zeros_like(spare)]))
    return Evidence(tuple(known), kinds, labels, weights, classified)


def _places(known: dict[str, int], names: Mapping[int, str], ids: npt.NDArray[np.integer]) -> Floats:
    occurring = sorted(set(ids.reshape(-1).tolist()))
    place_of = np.empty(occurring[-1] + 1 if occurring else 0)
    for number in occurring:
        place_of[number] = _place(known, names[number])
    places: Floats = place_of.take(ids)
    return places


def _place(known: dict[str, int], name: str) -> int:
    # The last place is for all the names that a stream has no more room for.
    kept = name if name in known or len(known) < MAX_NAMES - 1 else OVERFLOW
    return known.setdefault(kept, len(known))


def _most_probable(given: npt.NDArray[np.float32], count: int) -> tuple[Indices, Floats]:
    """(count, N) columns of the greatest values in each row of (N, C), and those values."""
    left, rows = given.copy(), np.arange(len(given))
    columns, values = np.empty((count, len(given)), np.intp), np.empty((count, len(given)))
    for place in range(count):
        columns[place] = left.argmax(axis=1)
        values[place] = left[rows, columns[place]]
        left[rows, columns[place]] = -1.0
    return columns, values


def forget(part: Floats, dt_s: float) -> None:
    """Let the evidence of the tracks `part` (ROWS, K) fade a little, in place."""
    weights = part[WEIGHTS]
    weights *= exp(-dt_s / MEMORY_S)


def take_kinds(part: Floats, kinds: Floats, scores: Floats) -> None:
    """Keep KIND of the tracks `part` (ROWS, K), the class that most detections of late had, in place."""
    same, weight = part[KIND] == kinds, part[KIND_WEIGHT]
    if np.count_nonzero(same) == len(same):
        weight += scores
    else:
        weight += np.where(same, scores, -scores)
        changed = weight < 0
        part[KIND, changed] = kinds[changed]
        np.abs(weight, out=weight)
    np.minimum(weight, KIND_LIMIT, out=weight)


def take_labels(part: Floats, found: Evidence, columns: Indices, config: TrackerConfig) -> list[News]:
    """Add what the detections `columns` say to the evidence of the tracks `part` (ROWS, K), in place.

    Returns:
        What to announce.
    """
    if len(found.names) == 1:  # nothing to tell apart
        weight = part[WEIGHT]
        weight += found.weights[0].take(columns)
        np.minimum(weight, config.scalars.evidence_limit, out=weight)
        undecided = (part[DECIDED] == ZERO).nonzero()[0].tolist()
        news = [k for k in undecided if weight[k] >= config.decide_evidence]
        if news:
            part[DECIDED, news] = 1.0
        return [(k, None) for k in news]
    labels, weights = found.labels.take(columns, axis=1), found.weights.take(columns, axis=1)
    if found.classified is not None:
        _prefer_classifier(part, found.classified.take(columns), weights)
    elif np.count_nonzero(part[CLASSIFIED]):
        weights *= part[CLASSIFIED] == 0
    steady = True
    for label, weight in zip(labels, weights, strict=True):
        if np.count_nonzero(part[LABEL] == label) == len(label):
            part[WEIGHT] += weight
        else:
            steady = False
            some = (weight > 0).nonzero()[0]
            _add(part, some, label[some], weight[some])
    np.minimum(part[WEIGHT], config.scalars.evidence_limit, out=part[WEIGHT])
    return [] if steady and _all_decided(part) else _settle(part, config)


def _prefer_classifier(part: Floats, classified: Mask, weights: Floats) -> None:
    old = part[CLASSIFIED] > 0
    weights[:, old & ~classified] = 0.0
    fresh = (classified & ~old).nonzero()[0]
    part[LABEL + 1 : LABELS.stop, fresh] = NO_LABEL
    part[WEIGHTS, fresh] = 0.0
    part[CLASSIFIED, fresh] = 1.0


def _all_decided(part: Floats) -> bool:
    return bool(np.count_nonzero(part[DECIDED]) == part.shape[1])


def _add(part: Floats, tracks: Indices, label: Floats, weight: Floats) -> None:
    # The label that a track goes by stays in the first slot; a new one takes the least of the others.
    same = part[LABELS, tracks] == label
    known = same.any(axis=0)
    worst = part[WEIGHT + 1 : WEIGHTS.stop, tracks].argmin(axis=0) + 1
    slot = np.where(known, same.argmax(axis=0), worst)
    part[WEIGHT + slot[~known], tracks[~known]] = 0.0
    part[LABEL + slot, tracks] = label
    part[WEIGHT + slot, tracks] += weight


def _settle(part: Floats, config: TrackerConfig) -> list[News]:
    held, others, decided = part[WEIGHT], part[WEIGHT + 1 : WEIGHTS.stop], part[DECIDED] > 0
    challenge = others.max(axis=0)
    change = challenge > config.change_ratio * held
    change &= ~decided | (challenge >= config.decide_evidence)
    enough = np.where(change, challenge, held) >= config.decide_evidence
    news = (enough & (change | ~decided)).nonzero()[0].tolist()
    told = [(k, int(part[LABEL, k]) if decided[k] else None) for k in news]
    if change.any():
        _swap(part, change.nonzero()[0], others.argmax(axis=0)[change] + 1)
    part[DECIDED, news] = 1.0
    return told


def _swap(part: Floats, tracks: Indices, slot: Indices) -> None:
    for first in (LABEL, WEIGHT):
        held = part[first, tracks]
        part[first, tracks] = part[first + slot, tracks]
        part[first + slot, tracks] = held


def start(numbers: Floats, found: Evidence, columns: Indices) -> None:
    """First evidence of new tracks `numbers` (ROWS, K) from the detections `columns`, in place."""
    numbers[LABELS] = NO_LABEL
    numbers[KIND] = found.kinds.take(columns)
    numbers[KIND_WEIGHT] = found.weights[0].take(columns)
    count = min(LABEL_SLOTS, len(found.labels))
    numbers[LABEL : LABEL + count] = found.labels.take(columns, axis=1)[:count]
    numbers[WEIGHT : WEIGHT + count] = found.weights.take(columns, axis=1)[:count]
    if found.classified is not None:
        numbers[CLASSIFIED] = found.classified.take(columns)


def without_unused(names: tuple[str, ...], numbers: Floats) -> tuple[tuple[str, ...], Floats]:
    """Forget names that no track uses, once there are half of `MAX_NAMES`; the indices follow."""
    if len(names) < MAX_NAMES // 2:
        return names, numbers
    after = numbers.copy()
    rows = [KIND, *range(LABELS.start, LABELS.stop)]
    used = np.unique(numbers[rows][numbers[rows] >= 0]).astype(np.intp)
    place = np.full(len(names) + 1, NO_LABEL)  # the last one is for NO_LABEL itself, index -1
    place[used] = np.arange(len(used))
    after[rows] = place[numbers[rows].astype(np.intp)]
    return tuple(names[index] for index in used.tolist()), after

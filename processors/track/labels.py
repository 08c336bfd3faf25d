"""What a track is: evidence for labels over its life, and a label that does not flicker.

Each detection that a track takes adds evidence for its class: the classifier's probabilities if it has any,
else its score for the detector's class. A track goes by its first label until another one has
`change_ratio` times its evidence. A label is announced once there is `decide_evidence` for it, and again when
it changes.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from processors.track.config import TrackerConfig
from processors.track.state import NO_LABEL, Floats, Indices

Labels = npt.NDArray[np.uint16]


def intern(
    names: tuple[str, ...], wanted: Mapping[int, str], class_ids: Labels
) -> tuple[tuple[str, ...], Labels]:
    """Names with those of the classes that occur appended, and each detection's index into them."""
    known = {name: index for index, name in enumerate(names)}
    places = np.zeros(len(class_ids), np.uint16)
    for class_id in sorted(set(class_ids.tolist())):
        place = known.setdefault(wanted[class_id], len(known))
        places[class_ids == class_id] = place
    return tuple(known), places


def add(label_ids: Labels, weights: Floats, tracks: Indices, found: Labels, weight: Floats) -> None:
    """Add `weight` (K,) for the labels `found` (K,) to different `tracks` (K,), in place.

    A label without a slot takes that of the least evidence.
    """
    rows = label_ids[tracks]
    same = rows == found[:, None]
    slot = np.where(same.any(1), same.argmax(1), weights[tracks].argmin(1))
    new = ~same.any(1)
    weights[tracks[new], slot[new]] = 0.0
    label_ids[tracks, slot] = found
    weights[tracks, slot] += weight


def settle(
    labels: Labels, decided: npt.NDArray[np.bool_], label_ids: Labels, weights: Floats, config: TrackerConfig
) -> tuple[Labels, npt.NDArray[np.bool_], Indices]:
    """New labels and `decided` of all tracks, and which of them have something to announce."""
    held = (weights * (label_ids == labels[:, None])).sum(1)
    best_slot = weights.argmax(1)
    best = weights[np.arange(len(labels)), best_slot]
    change = best > config.change_ratio * held
    after = np.where(change, label_ids[np.arange(len(labels)), best_slot], labels).astype(np.uint16)
    enough = np.where(change, best, held) >= config.decide_evidence
    news = enough & (~decided | (after != labels))
    # An announced label stays until the next one may be announced too.
    after = np.where(decided & ~enough, labels, after)
    return after, decided | enough, np.flatnonzero(news)


def drop_unused(
    names: tuple[str, ...], labels: Labels, label_ids: Labels
) -> tuple[tuple[str, ...], Labels, Labels]:
    """Names that no track refers to are forgotten; indices follow."""
    used = np.zeros(NO_LABEL + 1, np.bool_)
    used[labels] = True
    used[label_ids] = True
    used[NO_LABEL] = False
    place = np.cumsum(used) - 1
    place[NO_LABEL] = NO_LABEL
    kept = tuple(name for index, name in enumerate(names) if used[index])
    return kept, place[labels].astype(np.uint16), place[label_ids].astype(np.uint16)

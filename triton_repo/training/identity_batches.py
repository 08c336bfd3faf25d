"""Which crops go together into a batch: several views of several look-alikes, from the same scene."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triton_repo.training.crops import Crops

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class IdentityPlan:
    """What the batches are.

    Attributes:
        groups: Scenes with an attribute, in each batch.
        people: Objects of each group at most.
        views: Crops of each object.
    """

    groups: int = 20
    people: int = 4
    views: int = 3

    @property
    def size(self) -> int:
        """Crops in a batch."""
        return self.groups * self.people * self.views


def look_alikes(crops: Crops, attributes: int) -> list[list[list[Rows]]]:
    """Sort crops by attribute, scene and object.

    Returns:
        For each attribute its scenes, for each scene its objects, for each object the rows of its crops.
        Only objects of which there are two crops or more, and only scenes with such objects.
    """
    order = np.lexsort((crops.ids, crops.scenes, crops.attributes))
    found: list[list[list[Rows]]] = [[] for _ in range(attributes)]
    for rows in _runs(order, crops.scenes * attributes + crops.attributes):
        objects = [some for some in _runs(rows, crops.ids) if len(some) > 1]
        if objects:
            found[int(crops.attributes[rows[0]])].append(objects)
    return found


def _runs(rows: Rows, keys: NDArray[np.int64]) -> list[Rows]:
    """Cut rows where the key changes."""
    if not len(rows):
        return []
    cuts = np.flatnonzero(np.diff(keys[rows])) + 1
    return list(np.split(rows, cuts))


def identity_batches(
    groups: list[list[list[Rows]]], plan: IdentityPlan, rng: np.random.Generator
) -> Iterator[Rows]:
    """Draw batches without end: int64 (plan.size,), rows of crops; views of an object are neighbours.

    Attributes come evenly, whatever their share in the pictures, and scenes with several look-alikes are
    preferred. A group with fewer objects than asked for is filled up with objects of the same attribute from
    other scenes.
    """
    known = [scenes for scenes in groups if scenes]
    weights = [_weights(scenes, plan.people) for scenes in known]
    number = 0
    while True:
        batch: list[Rows] = []
        for _ in range(plan.groups):
            which = number % len(known)
            number += 1
            batch += _draw_group(known[which], weights[which], plan, rng)
        yield np.concatenate(batch)


def _weights(scenes: list[list[Rows]], people: int) -> NDArray[np.float64]:
    counts = np.minimum([len(objects) for objects in scenes], people).astype(np.float64)
    return counts / counts.sum()


def _draw_group(
    scenes: list[list[Rows]], weights: NDArray[np.float64], plan: IdentityPlan, rng: np.random.Generator
) -> list[Rows]:
    drawn: list[Rows] = []
    while len(drawn) < plan.people:
        objects = scenes[int(rng.choice(len(scenes), p=weights))]
        some = rng.permutation(len(objects))[: plan.people - len(drawn)]
        drawn += [
            rng.choice(objects[one], plan.views, replace=len(objects[one]) < plan.views) for one in some
        ]
    return drawn

"""How well an appearance network tells objects apart: by kind, and one from another."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Looks:
    """What the network says of N objects, and who they are.

    Attributes:
        embeddings: float (N, D), of length 1.
        probabilities: float (N, C).
        attributes: int64 (N,), what each is.
        ids: int64 (N,), who each is; unique over all scenes.
        scenes: int64 (N,).
        pictures: int64 (N,).
    """

    embeddings: NDArray[Any]
    probabilities: NDArray[Any]
    attributes: Ints
    ids: Ints
    scenes: Ints
    pictures: Ints

    def only(self, rows: NDArray[Any]) -> "Looks":
        """Some of the objects; rows as NumPy takes them."""
        return Looks(
            self.embeddings[rows],
            self.probabilities[rows],
            self.attributes[rows],
            self.ids[rows],
            self.scenes[rows],
            self.pictures[rows],
        )


def attribute_accuracy(looks: Looks) -> float | None:
    """The share of objects whose likeliest attribute is theirs; None without objects."""
    if not len(looks.attributes):
        return None
    return float((looks.probabilities.argmax(axis=1) == looks.attributes).mean())


@dataclass(frozen=True)
class PairCounts:
    """Comparisons of the same object with a look-alike.

    Attributes:
        right: Those in which the same object was nearer; a draw counts half.
        all: How many there were.
    """

    right: float
    all: int

    @property
    def share(self) -> float | None:
        """The share that was right; None without comparisons."""
        return self.right / self.all if self.all else None


def reid_pairs(looks: Looks) -> PairCounts:
    """Compare, for each view of an object, each other view of it with each view of each look-alike.

    Another view is one in another picture; a look-alike is another object of the same attribute in the same
    scene. A comparison is right if the same object's cosine is the higher one.
    """
    right, count = 0.0, 0
    keys = looks.scenes * (int(looks.attributes.max(initial=0)) + 1) + looks.attributes
    for key in np.unique(keys):
        group = looks.only(np.flatnonzero(keys == key))
        if len(np.unique(group.ids)) < 2:
            continue
        cosines = group.embeddings.astype(np.float64) @ group.embeddings.astype(np.float64).T
        for row, cosine in enumerate(cosines):
            same = (group.ids == group.ids[row]) & (group.pictures != group.pictures[row])
            others = np.sort(cosine[group.ids != group.ids[row]])
            below = np.searchsorted(others, cosine[same], "left")
            not_above = np.searchsorted(others, cosine[same], "right")
            right += float((below + not_above).sum()) / 2
            count += int(same.sum()) * len(others)
    return PairCounts(right, count)

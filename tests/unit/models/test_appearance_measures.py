import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from triton_repo.evaluation.appearance import Looks, attribute_accuracy, reid_pairs


def looks_of(seed: int, count: int) -> Looks:
    rng = np.random.default_rng(seed)
    # A coarse grid of directions, so that equal cosines occur.
    embeddings = rng.integers(-1, 2, (count, 2)) + 0.25
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    ids = rng.integers(0, 5, count)
    return Looks(
        embeddings,
        rng.random((count, 3)),
        ids % 2,  # an object has one attribute
        ids,
        np.zeros(count, np.int64),
        rng.integers(0, 4, count),
    )


def slow_pairs(looks: Looks) -> tuple[float, int]:
    right, count = 0.0, 0
    everyone = range(len(looks.ids))
    for i in everyone:
        for j in everyone:
            if looks.ids[i] != looks.ids[j] or looks.pictures[i] == looks.pictures[j]:
                continue
            for k in everyone:
                same_kind = looks.attributes[k] == looks.attributes[i] and looks.scenes[k] == looks.scenes[i]
                if looks.ids[k] == looks.ids[i] or not same_kind:
                    continue
                near, far = (
                    looks.embeddings[i] @ looks.embeddings[j],
                    looks.embeddings[i] @ looks.embeddings[k],
                )
                right += 1.0 if near > far + 1e-12 else 0.5 if abs(near - far) <= 1e-12 else 0.0
                count += 1
    return right, count


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 10))
def test_pairs_are_those_of_a_plain_count(seed: int, count: int) -> None:
    looks = looks_of(seed, count)
    # Rounded, so that the plain count and the matrix product agree on which cosines are equal.
    looks = Looks(looks.embeddings.round(3), *(getattr(looks, name) for name in list(vars(looks))[1:]))
    pairs = reid_pairs(looks)
    right, comparisons = slow_pairs(looks)
    assert pairs.all == comparisons
    assert abs(pairs.right - right) <= 1e-9


def test_look_alikes_of_other_scenes_are_not_compared() -> None:
    looks = Looks(
        np.eye(3)[[0, 0, 1]],
        np.ones((3, 1)),
        np.zeros(3, np.int64),
        np.array([1, 1, 2]),
        np.array([0, 0, 1]),
        np.array([0, 1, 2]),
    )
    assert reid_pairs(looks).share is None
    together = Looks(
        *(getattr(looks, name) for name in ("embeddings", "probabilities", "attributes", "ids")),
        np.zeros(3, np.int64),
        looks.pictures,
    )
    assert reid_pairs(together).share == 1.0


def test_accuracy_is_the_share_of_right_attributes() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]])
    zeros = np.zeros(4, np.int64)
    looks = Looks(np.ones((4, 1)), probabilities, np.array([0, 1, 1, 1]), zeros, zeros, zeros)
    assert attribute_accuracy(looks) == 0.75
    assert attribute_accuracy(looks.only(np.empty(0, np.int64))) is None

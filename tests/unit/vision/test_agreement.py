"""The detector's class has its say in what an object's attribute is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sightline.vision.agreement import OTHER_CLASS, agreed, class_shares
from sightline.vision.detector import Detected

LABELS = ("car", "truck", "person")
ATTRIBUTES = ("car-red", "truck-box", "truck-tanker", "person-worker", "wet")


def looked_at(class_ids: list[int], probabilities: list[list[float]]) -> Detected:
    count = len(class_ids)
    return Detected(
        np.zeros((count, 4), np.float32),
        np.ones(count, np.float32),
        np.array(class_ids, np.uint16),
        probabilities=np.array(probabilities, np.float32).reshape(count, len(ATTRIBUTES)),
    )


def told(found: Detected) -> NDArray[np.float32]:
    made = agreed(found, class_shares(LABELS, ATTRIBUTES)).probabilities
    assert made is not None
    return made


def test_a_truck_that_looks_like_a_person_to_the_second_network_is_the_likeliest_truck() -> None:
    (row,) = told(looked_at([1], [[0.01, 0.02, 0.06, 0.91, 0.0]]))
    assert ATTRIBUTES[row.argmax()] == "truck-tanker"
    assert row.sum() == pytest.approx(1.0)


def test_what_agrees_with_its_class_stays_as_it_is() -> None:
    assert told(looked_at([1], [[0, 0.3, 0.7, 0, 0]])).tolist() == [pytest.approx([0, 0.3, 0.7, 0, 0])]


def test_an_attribute_that_is_named_after_no_class_is_of_any() -> None:
    assert class_shares(LABELS, ("wet", "carriage", "red-car")).min() == 1


def test_of_classes_that_begin_alike_an_attribute_is_of_the_longest() -> None:
    shares = class_shares(("car", "car-trailer"), ("car-trailer-grey", "car-red"))
    assert shares.tolist() == [pytest.approx([OTHER_CLASS, 1]), pytest.approx([1, OTHER_CLASS])]


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.lists(st.floats(0, 1, width=32), min_size=5, max_size=5)),
        max_size=4,
    )
)
def test_rows_keep_their_sum_stay_probabilities_and_their_order_within_a_class(
    objects: list[tuple[int, list[float]]],
) -> None:
    before = looked_at([kind for kind, _ in objects], [row for _, row in objects])
    after = told(before)
    assert before.probabilities is not None
    assert np.isfinite(after).all()
    assert ((after >= 0) & (after <= 1)).all()
    inside = after.max(axis=1, initial=0) < 1  # not cut off at 1
    np.testing.assert_allclose(
        after.sum(axis=1)[inside], before.probabilities.sum(axis=1)[inside], rtol=1e-4, atol=1e-30
    )
    for then, now in zip(before.probabilities, after, strict=True):
        assert (now[1] >= now[2]) if then[1] >= then[2] else (now[1] <= now[2])


def test_detections_without_probabilities_and_pictures_without_detections_pass_unchanged() -> None:
    shares = class_shares(LABELS, ATTRIBUTES)
    bare = replace(looked_at([0], [[0] * 5]), probabilities=None)
    assert agreed(bare, shares) is bare
    assert told(looked_at([], [])).shape == (0, 5)
    assert told(looked_at([0], [[0] * 5])).tolist() == [[0] * 5]

"""A conversion is measured against its original, and refused if it lost too much."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.detector import Detected
from sightline.vision.engines import Accuracy, Measure
from triton_repo.detector_conversion import compare
from triton_repo.evaluation.detection import Objects
from triton_repo.gate import check
from triton_repo.pictures import Pictures

pytest.importorskip("pycocotools", reason="the extra eval is not installed")

BOX = np.array([[10, 10, 50, 40]], np.float32)


class Finds:
    """Finds a box in the pictures whose number it knows; a picture's level is its number."""

    def __init__(self, *numbers: int, score: float = 0.9, shift: float = 0.0) -> None:
        self._numbers, self._score, self._shift = numbers, score, shift

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detected]:
        return [self._one(int(image[0, 0, 0])) for image in images]

    def _one(self, number: int) -> Detected:
        count = 1 if number in self._numbers else 0
        boxes = np.repeat(BOX + np.float32(self._shift), count, axis=0)
        return Detected(boxes, np.full(count, self._score, np.float32), np.zeros(count, np.uint16))


def pictures(count: int, *, truth: bool) -> Pictures:
    images = [np.full((60, 80, 3), number, np.uint8) for number in range(count)]
    there = Objects(BOX, np.zeros(1, np.int64), np.zeros(1, np.bool_))
    return Pictures([], images, [there] * count if truth else None)


def test_the_share_is_of_what_the_original_gets_right() -> None:
    accuracy = compare(Finds(*range(40)), Finds(*range(20)), pictures(40, truth=True), ("thing",))
    (measure,) = accuracy.measures
    assert (measure.name, measure.original) == ("map50_95", pytest.approx(1.0))
    assert accuracy.kept == pytest.approx(0.5, abs=0.02)
    assert (accuracy.pictures, accuracy.truth) == (40, "labels")


def test_boxes_that_have_moved_cost_although_all_are_found() -> None:
    accuracy = compare(Finds(0, 1), Finds(0, 1, shift=5), pictures(2, truth=True), ("thing",))
    assert 0 < accuracy.kept < 0.7


def test_without_truth_it_is_what_the_original_is_sure_of() -> None:
    same = compare(Finds(0, 1), Finds(0, 1), pictures(4, truth=False), ("thing",))
    assert (same.kept, same.truth) == (1.0, "original")
    half = compare(Finds(*range(40)), Finds(*range(20)), pictures(40, truth=False), ("thing",))
    assert half.kept == pytest.approx(0.5, abs=0.02)


def test_an_original_that_finds_nothing_cannot_be_compared_with() -> None:
    with pytest.raises(SightlineError, match="has nothing to find") as caught:
        compare(Finds(), Finds(), pictures(4, truth=False), ("thing",))
    assert "--calibration" in caught.value.fix
    with pytest.raises(SightlineError, match=r"mean average precision of 0\.000"):
        compare(Finds(), Finds(0), pictures(4, truth=True), ("thing",))
    # What it is unsure of is no truth.
    with pytest.raises(SightlineError, match="has nothing to find"):
        compare(Finds(0, score=0.2), Finds(0), pictures(4, truth=False), ("thing",))


@pytest.mark.parametrize(
    ("kept", "force", "forced"), [(0.9, False, False), (0.95, True, False), (0.5, True, True)]
)
def test_enough_passes_and_force_is_written_down(kept: float, force: bool, forced: bool) -> None:
    accuracy = check(Accuracy((Measure("map50_95", 0.5, 0.5 * kept),), 9, "labels"), "It", force=force)
    assert accuracy.forced is forced


def test_too_little_is_refused_with_both_figures() -> None:
    with pytest.raises(
        SightlineError, match=r"keeps 80\.0% .* \(0\.400 of 0\.500\), less than 90%"
    ) as caught:
        check(Accuracy((Measure("map50_95", 0.5, 0.4),), 9, "labels"), "model in int8", force=False)
    assert "--force" in caught.value.fix

import sys
from dataclasses import astuple

import numpy as np
import pytest

from sightline.errors import SightlineError
from sightline.vision.detector import Detected
from triton_repo.evaluation.detection import Objects, Precision, detection_accuracy

LABELS = ("car", "person")
Box = tuple[float, float, float, float]

CAR: Box = (10, 10, 60, 40)
PERSON: Box = (100, 20, 115, 70)

PERFECT = (pytest.approx(1.0), pytest.approx(1.0))


def truth(*objects: tuple[Box, int], ignored: tuple[int, ...] = ()) -> Objects:
    marks = np.zeros(len(objects), np.bool_)
    marks[list(ignored)] = True
    boxes = np.array([box for box, _ in objects], np.float32).reshape(-1, 4)
    return Objects(boxes, np.array([class_id for _, class_id in objects], np.int64), marks)


def found(*objects: tuple[Box, int, float]) -> Detected:
    return Detected(
        np.array([box for box, _, _ in objects], np.float32).reshape(-1, 4),
        np.array([score for _, _, score in objects], np.float32),
        np.array([class_id for _, class_id, _ in objects], np.uint16),
    )


def test_everything_in_its_place_is_one() -> None:
    accuracy = detection_accuracy(
        [found((CAR, 0, 0.9), (PERSON, 1, 0.8))], [truth((CAR, 0), (PERSON, 1))], LABELS
    )
    assert astuple(accuracy.overall) == PERFECT
    assert [astuple(part) for part in accuracy.classes.values()] == [PERFECT, PERFECT]
    assert accuracy.objects == 2


def test_a_box_that_is_a_little_off_counts_at_low_overlaps_only() -> None:
    # An IoU of 40 / 50 = 0.8: right at 0.5, 0.55, … 0.8 (7 of 10 overlaps).
    accuracy = detection_accuracy([found(((10, 10, 50, 40), 0, 0.9))], [truth((CAR, 0))], LABELS)
    assert accuracy.overall.map50 == pytest.approx(1.0)
    assert accuracy.overall.map50_95 == pytest.approx(0.7)


def test_the_wrong_class_is_not_found() -> None:
    accuracy = detection_accuracy([found((CAR, 1, 0.9))], [truth((CAR, 0))], LABELS)
    assert accuracy.classes["car"] == Precision(0.0, 0.0)
    assert accuracy.classes["person"] == Precision(None, None), "there is none to find"


def test_nothing_found_is_zero() -> None:
    accuracy = detection_accuracy([found(), found()], [truth((CAR, 0)), truth()], LABELS)
    assert accuracy.overall == Precision(0.0, 0.0)


def test_nothing_to_find_is_no_number() -> None:
    accuracy = detection_accuracy([found((CAR, 0, 0.9))], [truth()], LABELS)
    assert accuracy.overall == Precision(None, None)
    assert accuracy.objects == 0


def test_what_finds_an_ignored_object_neither_helps_nor_harms() -> None:
    there = [truth((CAR, 0), ((200, 10, 250, 40), 0), ignored=(1,))]
    first = (((200, 10, 250, 40), 0, 0.95), (CAR, 0, 0.9))
    assert astuple(detection_accuracy([found(*first)], there, LABELS).overall) == PERFECT
    assert astuple(detection_accuracy([found((CAR, 0, 0.9))], there, LABELS).overall) == PERFECT


def test_a_better_scored_false_alarm_halves_the_precision() -> None:
    accuracy = detection_accuracy(
        [found(((300, 10, 350, 40), 0, 0.95), (CAR, 0, 0.9))], [truth((CAR, 0))], LABELS
    )
    assert accuracy.overall.map50 == pytest.approx(0.5)


def test_results_must_be_of_the_same_pictures() -> None:
    with pytest.raises(ValueError, match="2 results for 1 pictures"):
        detection_accuracy([found(), found()], [truth()], LABELS)


def test_a_missing_pycocotools_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(SightlineError, match=r"sightline\[eval\]"):
        detection_accuracy([found()], [truth()], LABELS)

"""What a conversion cost: a converted detector is measured against its original, on the same pictures."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.detector import Detected
from sightline.vision.engines import Accuracy
from triton_repo.evaluation.detection import Objects, detection_accuracy
from triton_repo.pictures import Pictures

LEAST_KEPT: Final = 0.9
"""A converted detector that keeps less of its original's mean average precision is refused."""

LEAST_SCORE: Final = 0.01
"""What both detectors are to be run with: average precision looks at weak detections too."""

_SURE: Final = 0.25
_UNSURE: Final = 0.1
_AT_ONCE: Final = 16

LEAST_ORIGINAL: Final = 0.05
"""An original below this is not made for the pictures, so shares of it say nothing."""


class Detects(Protocol):
    """What finds objects in pictures, such as a `Detector`."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detected]:
        """See `Detector.detect`."""
        ...


def compare(original: Detects, converted: Detects, pictures: Pictures, labels: Sequence[str]) -> Accuracy:
    """Measure both detectors on the same pictures (mean average precision over IoU 0.5 to 0.95, as COCO).

    Without truth, what the original is sure of is the truth: the share is then how much of it the converted
    one finds again, in the same places. What it is less sure of counts neither for nor against.

    Args:
        original: The detector as it was, with `LEAST_SCORE`.
        converted: The same after its conversion, with `LEAST_SCORE`.
        pictures: Only the measured ones are looked at.
        labels: The class names of both.

    Raises:
        SightlineError: The original finds too little for a share of it to mean anything, or the library that
            measures is missing.
    """
    before = _detect(original, pictures.measured)
    after = _detect(converted, pictures.measured)
    truth = pictures.truth
    if truth is None:
        truth = [_as_truth(one) for one in before]
    best, kept = (detection_accuracy(found, truth, labels).overall.map50_95 for found in (before, after))
    if best is None or kept is None or best < LEAST_ORIGINAL:
        found_share = "has nothing to find" if best is None else f"has a mean average precision of {best:.3f}"
        raise SightlineError(
            f"The original detector {found_share} in these pictures, so nothing can be compared.",
            "Give pictures of what the detector is made for: --calibration FOLDER.",
        )
    told: Accuracy = Accuracy(
        best, kept, len(pictures.measured), "original" if pictures.truth is None else "labels"
    )
    return told


def check(accuracy: Accuracy, what: str, *, force: bool) -> Accuracy:
    """Refuse a conversion that lost too much; returns the accuracy, marked if it was forced through.

    Raises:
        SightlineError: Less than `LEAST_KEPT` is left, and nobody forces it.
    """
    if accuracy.kept >= LEAST_KEPT:
        return accuracy
    if force:
        return replace(accuracy, forced=True)
    raise SightlineError(
        f"{what} keeps {accuracy.kept:.1%} of the original's mean average precision "
        f"({accuracy.map50_95:.3f} of {accuracy.map50_95_original:.3f}), less than {LEAST_KEPT:.0%}; it was "
        "not written.",
        "Use --fp16, or give --calibration FOLDER with pictures of your own cameras, or --force.",
    )


def _detect(detector: Detects, images: Sequence[NDArray[np.uint8]]) -> list[Detected]:
    found: list[Detected] = []
    for start in range(0, len(images), _AT_ONCE):
        found += detector.detect(images[start : start + _AT_ONCE])
    return found


def _as_truth(found: Detected) -> Objects:
    """What a detector found, as what there is to find."""
    known = found.scores >= _UNSURE
    return Objects(found.boxes[known], found.class_ids[known], found.scores[known] < _SURE)

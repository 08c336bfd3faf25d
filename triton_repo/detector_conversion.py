"""A detector that is converted: it sees whole pictures, and is measured by what it finds in them."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.backend import Backend, Signature
from sightline.vision.describe import find_model
from sightline.vision.detector import Detected, Detector
from sightline.vision.engines import Accuracy, Measure
from sightline.vision.heads import default_nms_iou
from sightline.vision.model_configs import TensorForm
from sightline.vision.onnx_backend import OnnxBackend, OnnxOptions
from sightline.vision.preprocess import Preprocessor
from triton_repo.conversion import Kind
from triton_repo.evaluation.detection import Objects, detection_accuracy
from triton_repo.gate import check_original
from triton_repo.model_folder import Contents, detector_contents
from triton_repo.pictures import Pictures, pictures_for

LEAST_SCORE: Final = 0.01
"""What both detectors are run with: average precision looks at weak detections too."""

_SURE: Final = 0.25
_UNSURE: Final = 0.1
_AT_ONCE: Final = 16


class Detects(Protocol):
    """What finds objects in pictures, such as a `Detector`."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detected]:
        """See `Detector.detect`."""
        ...


class DetectorConversion:
    """The `Conversion` of a detector."""

    kind: Kind = "detector"

    def __init__(self, path: Path, pictures: Path | None) -> None:
        """Find the detector.

        Args:
            path: As `find_model` takes.
            pictures: A folder of pictures; None for the synthetic cameras'.

        Raises:
            SightlineError: As `find_model`.
        """
        self.onnx, self._spec = find_model(path)
        self._folder = pictures

    @property
    def signature(self) -> Signature:
        """See `Conversion.signature`."""
        return self._spec.signature

    def calibration(self) -> Iterator[NDArray[Any]]:
        """See `Conversion.calibration`."""
        preprocess = Preprocessor(self._spec)
        size = self._spec.batch or 1
        shown = self._pictures.calibration
        for start in range(0, len(shown) - size + 1, size):
            batch, _ = preprocess(shown[start : start + size])
            yield np.array(batch)

    def compare(self, original: Backend, converted: Backend) -> Accuracy:
        """See `Conversion.compare`; the measure is `map50_95`."""
        before, after = self._detector(original), self._detector(converted)
        return compare(before, after, self._pictures, self._spec.labels)

    def contents(self, name: str, data: bytes) -> Contents:
        """See `Conversion.contents`."""
        return detector_contents(name, data, self._spec, self._output_form())

    @cached_property
    def _pictures(self) -> Pictures:
        return pictures_for(self._spec.labels, self._folder)

    def _detector(self, backend: Backend) -> Detector:
        return Detector(self._spec, backend, LEAST_SCORE, default_nms_iou(self._spec.head))

    def _output_form(self) -> TensorForm:
        """What it gives for one picture, as a run of the original tells."""
        batch = np.zeros((1, *self.signature.input_shape), self._spec.dtype)
        with OnnxBackend(self.onnx, OnnxOptions(), self.signature.output_names) as backend:
            (output,) = backend.infer(batch)
        return TensorForm(output.shape[1:], str(output.dtype))


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
    if best is None or kept is None:
        raise SightlineError(
            "The original detector has nothing to find in these pictures, so nothing can be compared.",
            "Give pictures of what the detector is made for: --calibration FOLDER.",
        )
    measure = check_original(Measure("map50_95", best, kept))
    return Accuracy((measure,), len(pictures.measured), "original" if pictures.truth is None else "labels")


def _detect(detector: Detects, images: Sequence[NDArray[np.uint8]]) -> list[Detected]:
    found: list[Detected] = []
    for start in range(0, len(images), _AT_ONCE):
        found += detector.detect(images[start : start + _AT_ONCE])
    return found


def _as_truth(found: Detected) -> Objects:
    """What a detector found, as what there is to find."""
    known = found.scores >= _UNSURE
    return Objects(found.boxes[known], found.class_ids[known], found.scores[known] < _SURE)

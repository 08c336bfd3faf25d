"""The detector of a gateway that detects by itself."""

from collections.abc import Callable, Sequence
from typing import Protocol

from producers.sources import Image
from sightline.errors import SightlineError
from sightline.settings import ModelSettings
from sightline.vision.describe import find_model
from sightline.vision.detector import Detected, Detector
from sightline.vision.heads import Head, default_nms_iou
from sightline.vision.model import ModelSpec
from sightline.vision.onnx_backend import OnnxBackend, OnnxOptions


class DetectorLike(Protocol):
    """What a gateway needs of a detector; `sightline.vision.detector.Detector` is one."""

    @property
    def spec(self) -> ModelSpec:
        """What the model is; its labels and their version go into the messages."""
        ...

    def detect(self, images: Sequence[Image]) -> list[Detected]:
        """One result for each picture; raises `SightlineError`. Called by one thread at a time."""
        ...


def detector_factory(settings: ModelSettings) -> Callable[[], Detector]:
    """A function that loads the detector of the settings `model.*` into ONNX Runtime.

    It raises `SightlineError`: no model is named, it cannot be loaded, or does not fit its declared head.
    """

    def load() -> Detector:
        if settings.path is None:
            raise SightlineError(
                "A stream is to be detected in the gateway, but model.path is not set.",
                "Set model.path and model.head, or the stream's mode to frames.",
            )
        head = Head(settings.head) if settings.head else None
        path, spec = find_model(settings.path, head, settings.labels)
        backend = OnnxBackend(path, OnnxOptions(threads_per_run=settings.threads), [spec.output_name])
        nms_iou = settings.nms_iou or default_nms_iou(spec.head)
        return Detector(spec, backend, settings.score_threshold, nms_iou, settings.max_detections)

    return load

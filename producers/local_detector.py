"""The detector of a gateway that detects by itself."""

from collections.abc import Callable, Sequence
from typing import Protocol

from producers.sources import Image
from sightline.errors import SightlineError
from sightline.settings import ModelSettings
from sightline.vision.detector import Detected, Detector
from sightline.vision.model import ModelSpec
from sightline.vision.named import named_model
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
        spec = named_model(settings.path, settings.head, settings.labels)
        backend = OnnxBackend(
            settings.path, OnnxOptions(threads_per_run=settings.threads), [spec.output_name]
        )
        return Detector(spec, backend, settings.score_threshold, settings.nms_iou, settings.max_detections)

    return load

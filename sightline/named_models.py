"""The models that the settings `model.*` name, for servers and gateways alike."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sightline.settings import ModelSettings
from sightline.vision.appearance import AppearanceSpec, find_appearance
from sightline.vision.backend import Backend, Signature
from sightline.vision.describe import find_model
from sightline.vision.detector import Detector
from sightline.vision.engines import is_built, open_engine
from sightline.vision.heads import Head, default_nms_iou
from sightline.vision.model import MODEL_FILE, ModelSpec, model_file
from sightline.vision.onnx_backend import OnnxBackend, OnnxOptions
from sightline.vision.recognizer import Appearance, Recognizer

_LOG = logging.getLogger(__name__)

_SHIPPED: Final = Path(__file__).parents[1] / "triton_repo"
SHIPPED_DETECTOR: Final = _SHIPPED / "detector" / "1" / MODEL_FILE
SHIPPED_APPEARANCE: Final = _SHIPPED / "appearance" / "1" / MODEL_FILE
DEFAULT_SCORE_THRESHOLD: Final = 0.1
# Chosen by the counts of `sightline demo` with the seeds 1 and 2 and an earlier detector (docs/decisions.md).
SHIPPED_SCORE_THRESHOLD: Final = 0.25
SHIPPED_NMS_IOU: Final = 0.5


def named_detector(
    settings: ModelSettings, doubt: Callable[[str], None] | None = None
) -> tuple[Path, ModelSpec]:
    """The detector's ONNX file and what it is: the one that is named, else the shipped one.

    Args:
        settings: Which models to take.
        doubt: As for `find_model`.

    Raises:
        SightlineError: It is missing or does not fit its head.
    """
    path = SHIPPED_DETECTOR if settings.path is None else settings.path
    return find_model(path, Head(settings.head) if settings.head else None, settings.labels, doubt)


def named_appearance(settings: ModelSettings) -> tuple[Path, AppearanceSpec] | None:
    """The appearance network's ONNX file and what it is; None if none is to run.

    The shipped one was trained on what the shipped detector finds, so another detector gets it only by name.

    Raises:
        SightlineError: It is named, and is missing or cannot be used.
    """
    if settings.appearance == "none":
        return None
    if settings.appearance is not None:
        return find_appearance(settings.appearance)
    return find_appearance(SHIPPED_APPEARANCE) if is_shipped(settings) else None


def nms_iou(settings: ModelSettings, spec: ModelSpec) -> float:
    """The overlap that the settings name, else the one that fits the detector."""
    chosen = SHIPPED_NMS_IOU if is_shipped(settings) else default_nms_iou(spec.head)
    return chosen if settings.nms_iou is None else settings.nms_iou


def score_threshold(settings: ModelSettings) -> float:
    """The score that the settings name, else the one that fits the detector."""
    chosen = SHIPPED_SCORE_THRESHOLD if is_shipped(settings) else DEFAULT_SCORE_THRESHOLD
    return chosen if settings.score_threshold is None else settings.score_threshold


def is_shipped(settings: ModelSettings) -> bool:
    """Whether the detector is the one that ships, which knows the simulated world alone."""
    return settings.path is None or model_file(settings.path).resolve() == SHIPPED_DETECTOR.resolve()


def shipped_detector_sentence(where: str) -> str:
    """What to know where the shipped detector looks at pictures of the real world."""
    return (
        f"The shipped detector knows the simulated world alone: what it finds in {where} means nothing. "
        "`sightline models get yolox-nano` fetches one for real pictures; name it with --model "
        "models/yolox-nano, or in the setting model.path."
    )


def open_recognizer(settings: ModelSettings) -> Recognizer:
    """Load the named models into this process.

    Raises:
        SightlineError: As `named_detector` and `named_appearance`, or one cannot be loaded, or no engine was
            built for this machine.
    """
    path, spec = named_detector(settings, _LOG.warning)
    backend: Backend
    if settings.backend == "tensorrt":
        backend = open_engine(path, spec.signature, settings.precision)
    else:
        backend = _open_onnx(path, spec.signature, settings)
    detector = Detector(
        spec, backend, score_threshold(settings), nms_iou(settings, spec), settings.max_detections
    )
    named = named_appearance(settings)
    if named is None:
        return Recognizer(detector)
    path, look = named
    # As in Triton, it stays with ONNX Runtime until an engine of it is built: its batches are large.
    if settings.backend == "tensorrt" and is_built(path, settings.precision):
        backend = open_engine(path, look.signature, settings.precision)
    else:
        backend = _open_onnx(path, look.signature, settings)
    return Recognizer(detector, Appearance(look, backend, settings.appearance_score_threshold))


def _open_onnx(path: Path, signature: Signature, settings: ModelSettings) -> OnnxBackend:
    options = OnnxOptions(threads_per_run=settings.threads, device=settings.device)
    return OnnxBackend(path, options, signature.output_names)

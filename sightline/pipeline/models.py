"""Makes the model that a run asks for ready to serve, and checks it before anything is started."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from sightline.errors import SightlineError
from sightline.named_models import named_appearance, named_detector, nms_iou, score_threshold
from sightline.settings import Settings
from sightline.vision.engines import ENGINES_DIR
from sightline.vision.model import MODEL_FILE
from sightline.vision.repository import Serving, write_repository
from sightline.vision.serving import ServingOptions

HAND_SET: Final = "triton_repo.demo_detector"


def with_hand_set_model(settings: Settings, folder: Path, heavy_layers: int) -> Settings:
    """The settings with a model: the one that is named, else one that is set by hand and exactly known.

    Args:
        settings: Of the whole system.
        folder: Where to build it.
        heavy_layers: Layers that it gets, to cost as much as a real one.
    """
    if settings.model.path is not None:
        return settings
    done = subprocess.run(
        [sys.executable, "-m", HAND_SET, str(folder / "model"), "--heavy", str(heavy_layers)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SightlineError(
            f"The hand-set detector cannot be built: {done.stderr.strip() or done.stdout.strip()}"
        )
    model = settings.model.model_copy(update={"path": folder / "model" / MODEL_FILE})
    return settings.model_copy(update={"model": model})


def serving_of(settings: Settings) -> Serving:
    """What a local Triton is to serve; raises SightlineError if a model is missing or does not fit."""
    detector, spec = named_detector(settings.model)
    appearance = named_appearance(settings.model)
    options = ServingOptions(
        score_threshold=score_threshold(settings.model),
        nms_iou=nms_iou(settings.model, spec),
        max_detections=settings.model.max_detections,
        appearance_score_threshold=settings.model.appearance_score_threshold,
        backend=settings.model.backend,
        precision=settings.model.precision or "",
        engines=_engines(settings, detector),
        appearance_engines="" if appearance is None else _engines(settings, appearance[0]),
        device=settings.model.device,
        parallel_runs=settings.model.threads,
        decode_threads=settings.model.threads,
    )
    return Serving(
        detector,
        spec,
        appearance,
        options,
        settings.triton.networks,
        settings.model.instances,
        settings.triton.queue_delay_ms,
    )


def _engines(settings: Settings, onnx: Path) -> str:
    """Where a network's engines are: the repository has its ONNX file elsewhere."""
    return str((onnx.parent / ENGINES_DIR).resolve()) if settings.model.backend == "tensorrt" else ""


def write_serving(settings: Settings, data_dir: Path) -> Path:
    """Write the model repository for a local Triton into the data folder; returns the repository."""
    return write_repository(data_dir / "triton", serving_of(settings))

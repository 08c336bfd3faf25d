"""Makes the model that a run asks for ready to serve, and checks it before anything is started."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from sightline.errors import SightlineError
from sightline.settings import ModelSettings, Settings
from sightline.vision.describe import find_model
from sightline.vision.heads import Head, default_nms_iou
from sightline.vision.model import MODEL_FILE, ModelSpec
from sightline.vision.repository import write_repository
from sightline.vision.serving import ServingOptions

DEMO_BUILDER: Final = "triton_repo.demo_detector"


def with_model(settings: Settings, data_dir: Path, *, heavy_layers: int = 0) -> Settings:
    """The settings with a model: the one that is named, else the demo's, built into the data folder.

    Args:
        settings: Of the whole system.
        data_dir: The data folder.
        heavy_layers: Layers that the demo's model gets for benchmarks, to cost as much as a real one.
    """
    if settings.model.path is not None:
        return settings
    folder = data_dir / "model"
    done = subprocess.run(
        [sys.executable, "-m", DEMO_BUILDER, str(folder), "--heavy", str(heavy_layers)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SightlineError(
            f"The demo's detector cannot be built: {done.stderr.strip() or done.stdout.strip()}"
        )
    model = settings.model.model_copy(update={"path": folder / MODEL_FILE})
    return settings.model_copy(update={"model": model})


def model_spec(settings: ModelSettings) -> ModelSpec:
    """What the model of these settings is; raises SightlineError if it is missing or does not fit."""
    return named_model(settings)[1]


def named_model(settings: ModelSettings) -> tuple[Path, ModelSpec]:
    """The ONNX file and what it is; raises SightlineError if it is missing or does not fit."""
    assert settings.path is not None  # `with_model` has seen to it
    return find_model(settings.path, Head(settings.head) if settings.head else None, settings.labels)


def write_serving(settings: Settings, data_dir: Path) -> Path:
    """Write the model repository for a local Triton into the data folder; returns the repository."""
    onnx, spec = named_model(settings.model)
    options = ServingOptions(
        score_threshold=settings.model.score_threshold,
        nms_iou=settings.model.nms_iou or default_nms_iou(spec.head),
        max_detections=settings.model.max_detections,
        parallel_runs=settings.model.threads,
    )
    return write_repository(data_dir / "triton", onnx, spec, options, instances=settings.model.instances)

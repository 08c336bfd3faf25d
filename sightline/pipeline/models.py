"""Makes the model that a run asks for ready to serve, and checks it before anything is started."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from sightline.errors import SightlineError
from sightline.settings import ModelSettings, Settings
from sightline.vision.describe import describe_onnx
from sightline.vision.heads import Head
from sightline.vision.model import MODEL_FILE, SPEC_FILE, ModelSpec, load_spec
from sightline.vision.repository import write_repository
from sightline.vision.serving import ServingOptions

DEMO_BUILDER: Final = "triton_repo.demo_detector"


def with_model(settings: Settings, data_dir: Path) -> Settings:
    """The settings with a model: the one that is named, else the demo's, built into the data folder."""
    if settings.model.path is not None:
        return settings
    folder = data_dir / "model"
    done = subprocess.run(
        [sys.executable, "-m", DEMO_BUILDER, str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SightlineError(
            f"The demo's detector cannot be built: {done.stderr.strip() or done.stdout.strip()}"
        )
    model = settings.model.model_copy(update={"path": folder / MODEL_FILE})
    return settings.model_copy(update={"model": model})


def model_spec(settings: ModelSettings) -> ModelSpec:
    """What the named model is: from the `model.json` beside it, or checked against its declared head.

    Raises:
        SightlineError: The model is missing, has no declared head, or does not fit it.
    """
    assert settings.path is not None
    if not settings.path.is_file():
        raise SightlineError(f"There is no model at {settings.path}.", "Give the path of an ONNX file.")
    if settings.head is not None:
        return describe_onnx(settings.path, Head(settings.head), settings.labels)
    if (settings.path.parent / SPEC_FILE).is_file():
        return load_spec(settings.path.parent)
    heads = ", ".join(head.value for head in Head)
    raise SightlineError(
        f"The head of the model {settings.path} is not named.", f"Give --head, one of {heads}."
    )


def write_serving(settings: Settings, data_dir: Path) -> Path:
    """Write the model repository for a local Triton into the data folder; returns the repository."""
    assert settings.model.path is not None
    options = ServingOptions(
        score_threshold=settings.model.score_threshold,
        nms_iou=settings.model.nms_iou,
        max_detections=settings.model.max_detections,
        parallel_runs=settings.model.threads,
    )
    spec = model_spec(settings.model)
    return write_repository(
        data_dir / "triton", settings.model.path, spec, options, instances=settings.model.instances
    )

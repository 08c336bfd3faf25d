"""Makes the model that a run asks for ready to serve, and checks it before anything is started."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from sightline.errors import SightlineError
from sightline.named_models import named_appearance, named_detector, nms_iou
from sightline.settings import Settings
from sightline.vision.engines import ENGINES_DIR
from sightline.vision.model import MODEL_FILE
from sightline.vision.repository import Serving, write_repository
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


def serving_of(settings: Settings) -> Serving:
    """What a local Triton is to serve; raises SightlineError if a model is missing or does not fit."""
    detector, spec = named_detector(settings.model)
    options = ServingOptions(
        score_threshold=settings.model.score_threshold,
        nms_iou=nms_iou(settings.model, spec),
        max_detections=settings.model.max_detections,
        appearance_score_threshold=settings.model.appearance_score_threshold,
        backend=settings.model.backend,
        precision=settings.model.precision or "",
        engines=str((detector.parent / ENGINES_DIR).resolve())
        if settings.model.backend == "tensorrt"
        else "",
        device=settings.model.device,
        parallel_runs=settings.model.threads,
        decode_threads=settings.model.threads,
    )
    return Serving(
        detector,
        spec,
        named_appearance(settings.model),
        options,
        settings.triton.networks,
        settings.model.instances,
        settings.triton.queue_delay_ms,
    )


def write_serving(settings: Settings, data_dir: Path) -> Path:
    """Write the model repository for a local Triton into the data folder; returns the repository."""
    return write_repository(data_dir / "triton", serving_of(settings))

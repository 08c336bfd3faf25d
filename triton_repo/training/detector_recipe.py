"""Train the detector that ships."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from sightline.vision.detector import Detector
from sightline.vision.heads import Head, InputSize
from sightline.vision.labels import labels_version
from sightline.vision.model import MODEL_FILE, ULTRALYTICS, ModelSpec, save_spec
from sightline.vision.onnx_backend import OnnxBackend, OnnxOptions
from triton_repo.evaluation.detection import DetectionAccuracy, Objects, detection_accuracy
from triton_repo.training.augment import Variety, is_ignored
from triton_repo.training.dataset import Dataset
from triton_repo.training.detector_batches import Batch, BatchPlan, batches
from triton_repo.training.detector_loss import LossWeights, Targets, detector_loss
from triton_repo.training.detector_network import DetectorNetwork, YoloV8Output, anchors
from triton_repo.training.export import export_onnx
from triton_repo.training.optimisation import Optimisation, Schedule
from triton_repo.training.progress import Progress
from triton_repo.training.scenes import CLASSES

INPUT: Final = InputSize(416, 256)
"""A picture of 16:9 fills 416x234 of it, and the sides are multiples of the largest stride."""


@dataclass(frozen=True)
class DetectorRecipe:
    """How the detector is trained.

    Attributes:
        batch: Pictures in each.
        seed: Of weights and batches.
        plain_share: The last share of the steps, with pictures as they are when the model is used.
        schedule: How many batches there are, and how fast the weights move.
        weights: Of the loss.
        bf16: Multiply in bfloat16, faster on processors that can.
        check_every: Steps between looks at the validation pictures.
    """

    batch: int = 16
    seed: int = 1
    plain_share: float = 0.15
    schedule: Schedule = field(default_factory=lambda: Schedule(steps=5_000))
    weights: LossWeights = field(default_factory=LossWeights)
    bf16: bool = False
    check_every: int = 1_000


def train_detector(
    dataset: Dataset, validation: Dataset, folder: Path, recipe: DetectorRecipe, device: str
) -> str:
    """Train a detector and write it to a folder, again at every look at the validation pictures.

    Args:
        dataset: What to learn from.
        validation: What to look at now and then.
        folder: Gets `model.onnx` and `model.json`.
        recipe: How.
        device: PyTorch's name of where, such as cpu or cuda.

    Returns:
        The SHA-256 of `model.onnx`.
    """
    torch.manual_seed(recipe.seed)
    steps = recipe.schedule.steps
    network = DetectorNetwork(len(CLASSES)).to(device, memory_format=torch.channels_last).train()
    optimisation = Optimisation(network, recipe.schedule)
    points, strides = (part.to(device) for part in anchors(INPUT.height, INPUT.width))
    plan = BatchPlan(INPUT, recipe.batch, steps, recipe.seed, Variety(), round(steps * recipe.plain_share))
    progress = Progress(steps)
    digest = ""
    for step, batch in enumerate(batches(dataset, plan)):
        with _precision(device, recipe.bf16):
            distances, logits = network(to_images(batch, device))
        parts = detector_loss(distances, logits, to_targets(batch, device), points, strides, recipe.weights)
        optimisation.step(parts[0] + parts[1])
        progress.step(step, {"boxes": parts[0].item(), "classes": parts[1].item()})
        last = step + 1 == steps
        if last or (step + 1) % recipe.check_every == 0:
            digest = write_detector(optimisation.mean, folder)
            _tell(progress.say, validate(folder, validation))
    return digest


def _precision(device: str, bf16: bool) -> AbstractContextManager[Any]:
    context: AbstractContextManager[Any] = torch.autocast(device, torch.bfloat16, enabled=bf16)
    return context


def to_images(batch: Batch, device: str) -> Any:
    """A batch's pictures as the network takes them: float (B, 3, H, W), RGB, 0..1."""
    pixels = torch.from_numpy(np.ascontiguousarray(batch.images[..., ::-1])).to(device)
    return pixels.permute(0, 3, 1, 2).float() / 255


def to_targets(batch: Batch, device: str) -> Targets:
    """A batch's objects as the loss takes them."""
    arrays = (batch.boxes, batch.classes, batch.there, batch.ignored)
    return Targets(*(torch.from_numpy(array).to(device) for array in arrays))


def write_detector(network: Any, folder: Path) -> str:
    """Write `model.onnx` and `model.json`; returns the former's SHA-256."""
    example = torch.zeros(2, 3, INPUT.height, INPUT.width)
    whole = YoloV8Output(network, INPUT.height, INPUT.width).eval()
    names = dict(enumerate(CLASSES))
    # The keys and the form of the names are those that Ultralytics' exporter writes.
    metadata = {"names": str(names), "task": "detect", "stride": "32"}
    digest = export_onnx(whole, example, folder / MODEL_FILE, "images", ["output0"], metadata)
    spec = ModelSpec(
        head=Head.YOLOV8,
        width=INPUT.width,
        height=INPUT.height,
        input_name="images",
        output_name="output0",
        labels=CLASSES,
        preprocessing=ULTRALYTICS,
        labels_version=labels_version(CLASSES),
    )
    save_spec(spec, folder)
    return digest


def validate(folder: Path, validation: Dataset) -> DetectionAccuracy:
    """Measure a written detector as it is used, on the validation pictures."""
    from sightline.vision.model import load_spec

    spec = load_spec(folder)
    options = OnnxOptions(parallel_runs=2)
    with OnnxBackend(folder / MODEL_FILE, options, (spec.output_name,)) as backend:
        detector = Detector(spec, backend, score_threshold=0.01)
        found = [
            one
            for start in range(0, len(validation), 16)
            for one in detector.detect(
                [validation.image(index) for index in range(start, min(start + 16, len(validation)))]
            )
        ]
    truth = validation.truth
    objects = []
    for picture in range(len(validation)):
        part = truth.of(picture)
        ignored = is_ignored(truth.boxes[part], truth.visibility[part])
        objects.append(Objects(truth.boxes[part], truth.classes[part], ignored))
    return detection_accuracy(found, objects, CLASSES)


def _tell(say: Callable[[str], None], accuracy: DetectionAccuracy) -> None:
    classes = ", ".join(
        f"{name} {p.map50 or 0:.3f}/{p.map50_95 or 0:.3f}" for name, p in accuracy.classes.items()
    )
    overall = accuracy.overall
    say(f"validation: mAP@50 {overall.map50 or 0:.4f}, mAP@50:95 {overall.map50_95 or 0:.4f} ({classes})")

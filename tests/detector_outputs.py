"""Outputs of detectors of many kinds that all tell of the same two boxes, and what is found of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sightline.cli.app import run
from sightline.vision.describe import find_model
from sightline.vision.detector import Detected, Detector
from sightline.vision.heads import InputSize, grid
from sightline.vision.onnx_backend import OnnxBackend

Floats = NDArray[np.float32]
SIDE = 64
CELLS, STRIDES = grid(InputSize(SIDE, SIDE))
ANCHORS = len(CELLS)
PIXELS = [[10, 8, 40, 28], [20, 30, 60, 60]]  # x1, y1, x2, y2


def middles(boxes: Sequence[Sequence[float]], scale: float = 1.0) -> list[list[float]]:
    return [
        [(a + c) / 2 * scale, (b + d) / 2 * scale, (c - a) * scale, (d - b) * scale] for a, b, c, d in boxes
    ]


def filled(rows: Sequence[Sequence[float]], count: int) -> Floats:
    output = np.zeros((count, len(rows[0])), np.float32)
    output[: len(rows)] = rows
    return output


def anchors(objectness: float = 1.0, classes: int = 3, *, raw: bool = False, scale: float = 1.0) -> Floats:
    """A box of twelve pixels around each cell, of which two are sure: (N, 5 + C)."""
    rng = np.random.default_rng(1)
    output = np.zeros((ANCHORS, 5 + classes), np.float32)
    output[:, :2] = 0.5 + rng.normal(0, 0.2, (ANCHORS, 2))
    output[:, 2:4] = np.log(12 / STRIDES)[:, None] + rng.normal(0, 0.1, (ANCHORS, 2))
    if not raw:
        output[:, :2] = (output[:, :2] + CELLS) * STRIDES[:, None] * scale
        output[:, 2:4] = np.exp(output[:, 2:4]) * STRIDES[:, None] * scale
    output[:, 4] = objectness
    output[[9, 30], 4] = 1.0
    output[[9, 30], 5 + min(1, classes - 1)] = 0.9
    return output


def queries(count: int = 30, classes: int = 2, seed: int = 2) -> Floats:
    """Boxes in shares all over the picture, of which the first two are the sure ones: (N, 4 + C)."""
    rng = np.random.default_rng(seed)
    output = np.concatenate((rng.random((count, 4)), 0.05 * rng.random((count, classes))), axis=1)
    output[:2, :4] = middles(PIXELS, 1 / SIDE)
    output[0, 4], output[1, 3 + classes] = 0.9, 0.8
    return output.astype(np.float32)


def logits(output: Floats, start: int = 4) -> Floats:
    result = output.copy()
    result[:, start:] = np.log(output[:, start:] / (1 - output[:, start:]))
    return result


def final(boxes: Sequence[Sequence[float]], count: int = 30) -> Floats:
    return filled([[*boxes[0], 0.9, 0], [*boxes[1], 0.8, 2]], count)


def many_corners() -> Floats:
    """Ten final boxes by their corners, so that nothing about them is an accident."""
    rng = np.random.default_rng(3)
    first = rng.random((10, 2)) * 40
    return np.concatenate(
        (first, first + 5 + rng.random((10, 2)) * 10, rng.random((10, 1)), rng.integers(0, 3, (10, 1))),
        axis=1,
    ).astype(np.float32)


def add(model: Path, head: str | None, *more: str) -> int:
    return run(["models", "add", str(model), *(["--head", head] if head else []), *more])


def refused(capsys: pytest.CaptureFixture[str], model: Path, head: str | None, *more: str) -> str:
    """What `models add` says when it takes nothing, on one line."""
    assert add(model, head, *more) == 1
    assert not Path("models").exists()
    return " ".join(capsys.readouterr().err.split())


def seen(model: str = "model") -> tuple[Detected, tuple[str, ...]]:
    """What the added model finds in a square picture, and its labels."""
    file, spec = find_model(Path("models") / model)
    detector = Detector(spec, OnnxBackend(file, output_names=[spec.output_name]))
    first, second = detector.detect([np.full((SIDE, SIDE, 3), 90, np.uint8)] * 2)
    assert first.boxes.tolist() == second.boxes.tolist()
    return first, spec.labels

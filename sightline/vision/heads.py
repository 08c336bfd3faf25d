"""Decoders of YOLO output layouts: from one picture's raw output to candidate boxes in input pixels.

Each filters by score before it decodes a box, since nearly all of the thousands of anchors are background.
The layouts are those of the projects that made them: YOLOv8 (and its successors) and YOLOv5 by Ultralytics,
YOLOX by Megvii, whose grid is decoded here, and models that give final boxes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

YOLOX_STRIDES_PX = (8, 16, 32)

_MAX_LOG_SIZE = 20.0
"""exp(20) strides is far beyond any picture, and does not overflow float32."""


class Head(StrEnum):
    """A model's output layout for one picture, C classes and N anchors.

    `yolov8`: (4+C, N), centre x, y, width, height in input pixels, then the class scores.
    `yolov5`: (N, 5+C), centre x, y, width, height in input pixels, objectness, class scores.
    `yolox`: (N, 5+C) on a raw grid with strides 8, 16, 32:
        centre (xy + cell) * stride, size exp(wh) * stride.
    `end2end`: (N, 6), x1, y1, x2, y2 in input pixels, score, class id.
    """

    YOLOV8 = "yolov8"
    YOLOV5 = "yolov5"
    YOLOX = "yolox"
    END2END = "end2end"


def default_nms_iou(head: Head) -> float:
    """The overlap over which the head's authors drop a box when they evaluate their models.

    It decides which of several overlapping boxes stay, so a model runs as it was measured. An end-to-end
    model has dropped them already; what is left is done as for YOLOv8.
    """
    return {Head.YOLOX: 0.65, Head.YOLOV5: 0.6}.get(head, 0.7)


@dataclass(frozen=True)
class Candidates:
    """Boxes above the score threshold, before NMS.

    Attributes:
        boxes: float32 (K, 4), x1 y1 x2 y2 in input pixels, finite, not clipped.
        scores: float32 (K,), at most 1.
        class_ids: int64 (K,), 0..classes-1.
    """

    boxes: Floats
    scores: Floats
    class_ids: NDArray[np.int64]


@dataclass(frozen=True)
class InputSize:
    """A model input's size in pixels."""

    width: int
    height: int


def decode(head: Head, output: Floats, size: InputSize, classes: int, threshold: float) -> Candidates:
    """Decode one picture's output.

    Args:
        head: The layout of `output`.
        output: float32, without the batch axis.
        size: The model's input size.
        classes: How many classes the model has; end2end rows with another class id are dropped.
        threshold: Boxes with a score of at least this are kept, 0..1.

    Returns:
        The candidates in the order of the anchors. Rows with NaN or infinite values are dropped.

    Raises:
        ValueError: The output's shape does not fit the head.
    """
    _check_shape(head, output.shape, size, classes)
    # A NaN compares as false and so drops its row; NumPy's warning about it is no news.
    with np.errstate(invalid="ignore", over="ignore"):
        boxes, scores, class_ids = _DECODERS[head](output, size, threshold)
        good = np.isfinite(boxes).all(axis=1) & (class_ids >= 0) & (class_ids < classes)
    if not good.all():
        boxes, scores, class_ids = boxes[good], scores[good], class_ids[good]
    return Candidates(boxes, np.minimum(scores, np.float32(1)), class_ids)


def anchor_count(size: InputSize) -> int:
    """Count the cells of the grids with strides 8, 16 and 32."""
    return sum((size.width // stride) * (size.height // stride) for stride in YOLOX_STRIDES_PX)


Decoded = tuple[Floats, Floats, NDArray[np.int64]]


def _yolov8(output: Floats, _size: InputSize, threshold: float) -> Decoded:
    # max over rows is three times faster than argmax, which only the few rows that are kept need.
    best = output[4:].max(axis=0)
    keep = np.flatnonzero(best >= threshold)
    class_ids = output[4:, keep].argmax(axis=0)
    return _corners(output[:4, keep].T), best[keep], class_ids


def _yolov5(output: Floats, _size: InputSize, threshold: float) -> Decoded:
    rows, scores, class_ids = _by_objectness(output, threshold)
    return _corners(output[rows, :4]), scores, class_ids


def _yolox(output: Floats, size: InputSize, threshold: float) -> Decoded:
    rows, scores, class_ids = _by_objectness(output, threshold)
    cells, strides = _grid(size)
    stride = strides[rows, None]
    raw = output[rows, :4]
    centres = (raw[:, :2] + cells[rows]) * stride
    sizes = np.exp(np.minimum(raw[:, 2:], _MAX_LOG_SIZE)) * stride
    return _corners(np.concatenate((centres, sizes), axis=1)), scores, class_ids


def _end2end(output: Floats, _size: InputSize, threshold: float) -> Decoded:
    rows = output[output[:, 4] >= threshold]
    class_ids = np.where(np.isfinite(rows[:, 5]), np.rint(rows[:, 5]), -1).astype(np.int64)
    return rows[:, :4], rows[:, 4], class_ids


_DECODERS: Mapping[Head, Callable[[Floats, InputSize, float], Decoded]] = {
    Head.YOLOV8: _yolov8,
    Head.YOLOV5: _yolov5,
    Head.YOLOX: _yolox,
    Head.END2END: _end2end,
}


def _by_objectness(output: Floats, threshold: float) -> tuple[NDArray[np.intp], Floats, NDArray[np.int64]]:
    """Score rows as objectness times best class; class scores are at most 1, so objectness filters first."""
    likely = np.flatnonzero(output[:, 4] >= threshold)
    class_scores = output[likely, 5:]
    class_ids = class_scores.argmax(axis=1)
    scores = output[likely, 4] * class_scores[np.arange(len(likely)), class_ids]
    keep = scores >= threshold
    return likely[keep], scores[keep], class_ids[keep]


def _corners(centred: Floats) -> Floats:
    """Turn centre x, y, width, height (K, 4) into x1 y1 x2 y2."""
    half = centred[:, 2:] / 2
    return np.concatenate((centred[:, :2] - half, centred[:, :2] + half), axis=1)


@lru_cache(maxsize=8)
def _grid(size: InputSize) -> tuple[Floats, Floats]:
    """Each anchor's cell, float32 (N, 2) as x, y, and its stride, float32 (N,)."""
    cells, strides = [], []
    for stride in YOLOX_STRIDES_PX:
        columns, rows = size.width // stride, size.height // stride
        x, y = np.meshgrid(np.arange(columns), np.arange(rows))
        cells.append(np.stack((x.ravel(), y.ravel()), axis=1))
        strides.append(np.full(columns * rows, stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _check_shape(head: Head, shape: tuple[int, ...], size: InputSize, classes: int) -> None:
    expected: dict[Head, tuple[int | None, int | None]] = {
        Head.YOLOV8: (4 + classes, None),
        Head.YOLOV5: (None, 5 + classes),
        Head.YOLOX: (anchor_count(size), 5 + classes),
        Head.END2END: (None, 6),
    }
    wanted = expected[head]
    if len(shape) != 2 or any(want not in (None, got) for want, got in zip(wanted, shape, strict=True)):
        raise ValueError(f"output {shape} does not fit head {head} with {classes} classes: expected {wanted}")

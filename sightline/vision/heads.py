"""Decoders of detectors' output layouts: from one picture's raw output to candidate boxes in input pixels.

Each filters by score before it decodes a box, since nearly all of the thousands of anchors are background.
The layouts are those of the projects that made them: YOLOv8 (and its successors) and YOLOv5 by Ultralytics,
YOLOv6 by Meituan, YOLOX by Megvii, whose grid is decoded here or in the export, the DETR family, and models
that give final boxes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

YOLOX_STRIDES_PX = (8, 16, 32)

_MAX_LOG_SIZE = 20.0
"""exp(20) strides is far beyond any picture, and does not overflow float32."""


class Head(StrEnum):
    """A model's output layout for one picture, C classes and N anchors, queries or detections.

    Boxes are in input pixels, or in shares of the input's width and height: see `OutputForm`.

    `yolov8`: (4+C, N), centre x, y, width, height, then the class scores.
    `yolov5`: (N, 5+C), centre x, y, width, height, objectness, class scores.
    `yolov6`: the same with one anchor a cell and an objectness of 1.
    `yolox`: (N, 5+C) on a raw grid with strides 8, 16, 32:
        centre (xy + cell) * stride, size exp(wh) * stride.
    `yolox-decoded`: the same with this done in the export: centre x, y, width, height.
    `end2end`: (N, 6), x1, y1, x2, y2, score, class id.
    `end2end-xywh`: (N, 6), centre x, y, width, height, score, class id.
    `nms`: (total, 7) for all pictures of a batch, index of the picture, x1, y1, x2, y2, class id, score. Only
        `sightline models add` reads it, and writes a model with the head `end2end`.
    `rtdetr`: (N, 4+C), centre x, y, width, height, then the class scores, each class on its own.
    `detr`: (N, 4+C+1), the same with "no object" as a last class that competes with the others.
    """

    YOLOV8 = "yolov8"
    YOLOV5 = "yolov5"
    YOLOX = "yolox"
    END2END = "end2end"
    YOLOV6 = "yolov6"
    YOLOX_DECODED = "yolox-decoded"
    END2END_XYWH = "end2end-xywh"
    NMS = "nms"
    RTDETR = "rtdetr"
    DETR = "detr"


WITH_OBJECTNESS: Final = frozenset({Head.YOLOV5, Head.YOLOV6, Head.YOLOX, Head.YOLOX_DECODED})
FINAL_BOXES: Final = frozenset({Head.END2END, Head.END2END_XYWH})
SET_PREDICTIONS: Final = frozenset({Head.RTDETR, Head.DETR})

BoxUnits = Literal["pixels", "shares"]
ScoreForm = Literal["probabilities", "logits"]


@dataclass(frozen=True)
class OutputForm:
    """In what exports of one head differ.

    Attributes:
        box_units: Boxes are in input pixels, or in shares of the input's width and height.
        scores: Scores are probabilities, or (heads `rtdetr` and `detr` only) what their sigmoid or softmax
            is to be taken of.
    """

    box_units: BoxUnits = "pixels"
    scores: ScoreForm = "probabilities"


def default_nms_iou(head: Head) -> float:
    """The overlap over which the head's authors drop a box when they evaluate their models.

    It decides which of several overlapping boxes stay, so a model runs as it was measured. An end-to-end
    model has dropped them already; what is left is done as for YOLOv8. The DETR family drops none.
    """
    if head in SET_PREDICTIONS:
        return 1.0
    special = {Head.YOLOX: 0.65, Head.YOLOX_DECODED: 0.65, Head.YOLOV5: 0.6, Head.YOLOV6: 0.65}
    return special.get(head, 0.7)


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


def decode(
    head: Head,
    output: Floats,
    size: InputSize,
    classes: int,
    threshold: float,
    form: OutputForm = OutputForm(),
) -> Candidates:
    """Decode one picture's output.

    Args:
        head: The layout of `output`.
        output: float32, without the batch axis.
        size: The model's input size.
        classes: How many classes the model has; end2end rows with another class id are dropped.
        threshold: Boxes with a score of at least this are kept, 0..1.
        form: What the numbers are.

    Returns:
        The candidates in the order of the anchors. Rows with NaN or infinite values are dropped.

    Raises:
        ValueError: The output's shape does not fit the head.
    """
    _check_shape(head, output.shape, size, classes)
    # A NaN compares as false and so drops its row; NumPy's warning about it is no news.
    with np.errstate(invalid="ignore", over="ignore"):
        if head in SET_PREDICTIONS:
            output = _with_probabilities(head, output, form)
        boxes, scores, class_ids = _DECODERS[head](output, size, threshold)
        if form.box_units == "shares":
            boxes = boxes * np.array((size.width, size.height) * 2, np.float32)
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
    cells, strides = grid(size)
    stride = strides[rows, None]
    raw = output[rows, :4]
    centres = (raw[:, :2] + cells[rows]) * stride
    sizes = np.exp(np.minimum(raw[:, 2:], _MAX_LOG_SIZE)) * stride
    return _corners(np.concatenate((centres, sizes), axis=1)), scores, class_ids


def _end2end(output: Floats, _size: InputSize, threshold: float) -> Decoded:
    rows = output[output[:, 4] >= threshold]
    class_ids = np.where(np.isfinite(rows[:, 5]), np.rint(rows[:, 5]), -1).astype(np.int64)
    return rows[:, :4], rows[:, 4], class_ids


def _end2end_xywh(output: Floats, size: InputSize, threshold: float) -> Decoded:
    boxes, scores, class_ids = _end2end(output, size, threshold)
    return _corners(boxes), scores, class_ids


def _set_predictions(output: Floats, _size: InputSize, threshold: float) -> Decoded:
    best = output[:, 4:].max(axis=1)
    keep = np.flatnonzero(best >= threshold)
    return _corners(output[keep, :4]), best[keep], output[keep, 4:].argmax(axis=1)


def _with_probabilities(head: Head, output: Floats, form: OutputForm) -> Floats:
    """The output with a probability for each class, and without "no object"."""
    boxes, scores = output[:, :4], output[:, 4:]
    if form.scores == "logits":
        scores = sigmoid(scores) if head is Head.RTDETR else softmax(scores)
    if head is Head.DETR:
        scores = scores[:, :-1]
    return np.concatenate((boxes, scores), axis=1)


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)), float32; NaN stays NaN."""
    return (1 / (1 + np.exp(-np.clip(logits, -80, 80)))).astype(np.float32)


def softmax(logits: Floats) -> Floats:
    """Shares of exp(x) along the last axis, float32."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return result


_DECODERS: Mapping[Head, Callable[[Floats, InputSize, float], Decoded]] = {
    Head.YOLOV8: _yolov8,
    Head.YOLOV5: _yolov5,
    Head.YOLOV6: _yolov5,
    Head.YOLOX: _yolox,
    Head.YOLOX_DECODED: _yolov5,
    Head.END2END: _end2end,
    Head.END2END_XYWH: _end2end_xywh,
    Head.RTDETR: _set_predictions,
    Head.DETR: _set_predictions,
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
def grid(size: InputSize) -> tuple[Floats, Floats]:
    """Each anchor's cell, float32 (N, 2) as x, y, and its stride, float32 (N,)."""
    cells, strides = [], []
    for stride in YOLOX_STRIDES_PX:
        columns, rows = size.width // stride, size.height // stride
        x, y = np.meshgrid(np.arange(columns), np.arange(rows))
        cells.append(np.stack((x.ravel(), y.ravel()), axis=1))
        strides.append(np.full(columns * rows, stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _check_shape(head: Head, shape: tuple[int, ...], size: InputSize, classes: int) -> None:
    wanted: tuple[int | None, int | None]
    if head is Head.YOLOV8:
        wanted = (4 + classes, None)
    elif head is Head.YOLOX:
        wanted = (anchor_count(size), 5 + classes)
    elif head is Head.NMS:
        raise ValueError("the head nms is no layout of one picture's output")
    else:
        wanted = (None, 6 if head in FINAL_BOXES else 4 + classes if head is Head.RTDETR else 5 + classes)
    if len(shape) != 2 or any(want not in (None, got) for want, got in zip(wanted, shape, strict=True)):
        raise ValueError(f"output {shape} does not fit head {head} with {classes} classes: expected {wanted}")

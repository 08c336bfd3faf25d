"""How well a detector finds: mean average precision as COCO defines it, computed by pycocotools."""

import contextlib
import importlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.detector import Detected

MAX_DETECTIONS: Final = 100
"""Of each picture, the best ones that count."""


@dataclass(frozen=True)
class Objects:
    """What is to be found in one picture.

    Attributes:
        boxes: float32 (N, 4), x1 y1 x2 y2 in pixels of the picture.
        classes: int (N,), indices into the labels.
        ignored: bool (N,): one that may be found or not; what finds it does not count (COCO's crowd).
    """

    boxes: NDArray[np.float32]
    classes: NDArray[np.integer]
    ignored: NDArray[np.bool_]


@dataclass(frozen=True)
class Precision:
    """Average precision, 0..1, or None where there was nothing to find.

    Attributes:
        map50: At an IoU of 0.5.
        map50_95: The mean over IoUs of 0.5, 0.55, … 0.95.
    """

    map50: float | None
    map50_95: float | None


@dataclass(frozen=True)
class DetectionAccuracy:
    """How well a detector did on some pictures.

    Attributes:
        overall: The mean over the classes.
        classes: For each label, in their order.
        objects: How many there were to be found, those that may be ignored left out.
    """

    overall: Precision
    classes: dict[str, Precision]
    objects: int


def detection_accuracy(
    found: Sequence[Detected], truth: Sequence[Objects], labels: Sequence[str]
) -> DetectionAccuracy:
    """Compare what was found with what is there.

    Args:
        found: For each picture, with scores down to near 0: a threshold takes from the precision's tail.
        truth: For each picture, in the same order.
        labels: The classes' names.

    Raises:
        SightlineError: pycocotools is missing.
        ValueError: The numbers of pictures differ.
    """
    if len(found) != len(truth):
        raise ValueError(f"{len(found)} results for {len(truth)} pictures")
    objects = sum(int((~picture.ignored).sum()) for picture in truth)
    precision = _precision(found, truth, labels)
    return DetectionAccuracy(
        _means(precision),
        {name: _means(precision[:, :, [index]]) for index, name in enumerate(labels)},
        objects,
    )


def _precision(
    found: Sequence[Detected], truth: Sequence[Objects], labels: Sequence[str]
) -> NDArray[np.float64]:
    """Precision (10 IoUs, 101 recalls, classes); -1 where there is nothing to find."""
    coco, evaluation = _import_pycocotools()
    with contextlib.redirect_stdout(io.StringIO()):  # it tells its progress
        there = coco.COCO()
        there.dataset = _annotations(truth, labels)
        there.createIndex()
        results = there.loadRes(_results(found)) if any(len(one.scores) for one in found) else coco.COCO()
        run = evaluation.COCOeval(there, results, "bbox")
        run.params.imgIds = list(range(len(truth)))
        run.params.catIds = list(range(len(labels)))
        run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
        run.params.maxDets = [MAX_DETECTIONS]
        run.evaluate()
        run.accumulate()
    precision: NDArray[np.float64] = run.eval["precision"][:, :, :, 0, 0]
    return precision


def _means(precision: NDArray[np.float64]) -> Precision:
    return Precision(_mean(precision[:1]), _mean(precision))


def _mean(precision: NDArray[np.float64]) -> float | None:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None


def _annotations(truth: Sequence[Objects], labels: Sequence[str]) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for picture, objects in enumerate(truth):
        for box, class_id, ignored in zip(objects.boxes, objects.classes, objects.ignored, strict=True):
            x, y, width, height = _corner_and_size(box)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": picture,
                    "category_id": int(class_id),
                    "bbox": [x, y, width, height],
                    "area": width * height,
                    "iscrowd": int(ignored),
                }
            )
    return {
        "info": {},
        "images": [{"id": picture} for picture in range(len(truth))],
        "categories": [{"id": index, "name": name} for index, name in enumerate(labels)],
        "annotations": annotations,
    }


def _results(found: Sequence[Detected]) -> NDArray[np.float64]:
    """Rows of picture, x, y, width, height, score, class."""
    rows = []
    for picture, one in enumerate(found):
        sizes = one.boxes[:, 2:] - one.boxes[:, :2]
        number = np.full(len(one.scores), picture)
        rows.append(np.column_stack((number, one.boxes[:, :2], sizes, one.scores, one.class_ids)))
    return np.concatenate(rows).astype(np.float64)


def _corner_and_size(box: NDArray[np.float32]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(side) for side in box)
    return x1, y1, x2 - x1, y2 - y1


def _import_pycocotools() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pycocotools.coco"), importlib.import_module("pycocotools.cocoeval")
    except ImportError as error:
        raise SightlineError(
            f"pycocotools, which measures detectors, cannot be imported: {error}.",
            'Install it with `pip install "sightline[eval]"`.',
        ) from error

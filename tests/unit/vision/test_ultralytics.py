"""The same boxes as Ultralytics' own package makes of a YOLOv8: see `tests/fixtures/make_ultralytics.py`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sightline.vision.backend import Arrays, Capabilities
from sightline.vision.detector import Detected, Detector
from sightline.vision.heads import Head
from sightline.vision.model import ULTRALYTICS, ModelSpec
from sightline.vision.preprocess import Preprocessor
from tests.fixtures.ultralytics_pictures import (
    LETTERBOX_INPUT_PX,
    LETTERBOX_SIZES_PX,
    MODEL_SIZE_PX,
    SIZES_PX,
    picture,
)

CLASSES = tuple(f"kind {index}" for index in range(6))
SPEC = ModelSpec(
    Head.YOLOV8, MODEL_SIZE_PX, MODEL_SIZE_PX, "images", "output0", CLASSES, ULTRALYTICS, batch=1
)


class Remembers:
    """A back end that gives what the real model gave."""

    capabilities = Capabilities(1)

    def __init__(self, raw: NDArray[np.float32]) -> None:
        self._raw = raw

    def infer(self, batch: NDArray[Any]) -> Arrays:
        assert batch.shape == (1, 3, MODEL_SIZE_PX, MODEL_SIZE_PX)
        return (self._raw[None],)


@pytest.fixture(scope="module")
def theirs() -> dict[str, NDArray[Any]]:
    with np.load(Path(__file__).parents[2] / "fixtures" / "ultralytics.npz") as file:
        return dict(file)


def detect(raw: NDArray[np.float32], index: int) -> Detected:
    width, height = SIZES_PX[index]
    detector = Detector(SPEC, Remembers(raw), score_threshold=0.25, nms_iou=0.7, max_detections=300)
    return detector.detect([picture(width, height, index)])[0]


def overlaps(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """IoU of each box of `a` with the box of the same row of `b`."""
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    shared = np.maximum(high - low, 0).prod(axis=1)
    union = (a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1) - shared
    return shared / union


@pytest.mark.parametrize("index", range(len(SIZES_PX)))
def test_a_yolov8s_output_gives_the_boxes_that_its_makers_package_gives(
    theirs: dict[str, NDArray[Any]], index: int
) -> None:
    raw, boxes, scores, class_ids = (
        theirs[f"{name}_{index}"] for name in ("raw", "boxes", "scores", "class_ids")
    )
    candidates = int((raw[4:].max(axis=0) >= 0.25).sum())
    found = detect(raw, index)
    assert 20 <= len(boxes) <= 0.8 * candidates  # there is something to find, and something to suppress
    assert len(found.scores) == len(scores)
    # Both give the best first; equal scores may stand in any order, so sort by all there is.
    ours, others = order(found.boxes, found.scores, found.class_ids), order(boxes, scores, class_ids)
    assert found.class_ids[ours].tolist() == class_ids[others].tolist()
    assert np.abs(found.scores[ours] - scores[others]).max() <= 1e-3
    assert overlaps(found.boxes[ours], boxes[others]).min() >= 0.99
    assert np.abs(found.boxes[ours] - boxes[others]).max() <= 0.01


def order(boxes: NDArray[Any], scores: NDArray[Any], class_ids: NDArray[Any]) -> NDArray[np.intp]:
    return np.lexsort((boxes[:, 1].round(), boxes[:, 0].round(), class_ids, -scores.round(5)))


@pytest.mark.parametrize("index", range(len(LETTERBOX_SIZES_PX)))
def test_a_letterboxed_picture_has_the_pixels_that_their_letterbox_gives(
    theirs: dict[str, NDArray[Any]], index: int
) -> None:
    width, height = LETTERBOX_SIZES_PX[index]
    expected = theirs[f"letterboxed_{index}"]
    input_width, input_height = LETTERBOX_INPUT_PX
    spec = ModelSpec(Head.YOLOV8, input_width, input_height, "images", "output0", CLASSES, ULTRALYTICS)
    batch, (box,) = Preprocessor(spec)([picture(width, height, index)])
    levels = np.rint(batch[0] * 255).astype(np.int16).transpose(1, 2, 0)[:, :, ::-1]
    # The padding must be the same to the pixel; OpenCV's own versions resize a level apart.
    inside = np.zeros((input_height, input_width), np.bool_)
    inside[box.top : box.top + box.inner_height, box.left : box.left + box.inner_width] = True
    assert (levels[~inside] == expected[~inside]).all()
    assert np.abs(levels - expected).max() <= 1

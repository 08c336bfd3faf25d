import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sightline.vision.nms import nms

Box = tuple[float, float, float, float]


def simple_nms(
    boxes: list[Box], scores: list[float], class_ids: list[int], iou: float, most: int
) -> list[int]:
    """The textbook's loop: take the best, drop what overlaps it, and again."""
    left = sorted(range(len(boxes)), key=lambda i: (-scores[i], i))
    kept: list[int] = []
    while left and len(kept) < most:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if class_ids[i] != class_ids[best] or not overlap(boxes[i], boxes[best], iou)]
    return kept


def overlap(a: Box, b: Box, iou: float) -> bool:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared > iou * union


# Whole coordinates and thresholds in sixteenths: exact in float32, so both must agree to the bit.
corner = st.integers(0, 24)
side = st.integers(0, 12)
box = st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
candidate = st.tuples(box, st.integers(0, 8), st.integers(0, 2))


@given(st.lists(candidate, max_size=60), st.integers(0, 16), st.integers(1, 30))
def test_it_keeps_what_the_simple_loop_keeps_in_the_same_order(
    candidates: list[tuple[Box, int, int]], sixteenths: int, most: int
) -> None:
    boxes, scores, class_ids = arrays(candidates)
    expected = simple_nms(
        [c[0] for c in candidates],
        [c[1] for c in candidates],
        [c[2] for c in candidates],
        sixteenths / 16,
        most,
    )
    assert nms(boxes, scores, class_ids, sixteenths / 16, most).tolist() == expected


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(130, 700))
def test_many_candidates_in_several_blocks_give_the_same(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 60, (count, 2))
    boxes = np.concatenate((corners, corners + rng.integers(1, 40, (count, 2))), axis=1).astype(np.float32)
    scores = rng.integers(0, 50, count).astype(np.float32)
    class_ids = rng.integers(0, 3, count)
    expected = simple_nms(
        [tuple(row) for row in boxes.tolist()], scores.tolist(), class_ids.tolist(), 0.5, 300
    )
    assert nms(boxes, scores, class_ids, 0.5, 300).tolist() == expected


def test_boxes_of_different_classes_do_not_suppress_each_other() -> None:
    boxes = np.array([[0, 0, 9, 9]] * 3, np.float32)
    kept = nms(boxes, np.array([0.5, 0.9, 0.8], np.float32), np.array([0, 1, 0]), 0.5, 300)
    assert kept.tolist() == [1, 2]


def test_nothing_in_nothing_out() -> None:
    assert len(nms(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64), 0.5, 9)) == 0


def arrays(
    candidates: list[tuple[Box, int, int]],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    return (
        np.array([c[0] for c in candidates], np.float32).reshape(-1, 4),
        np.array([c[1] for c in candidates], np.float32),
        np.array([c[2] for c in candidates], np.int64),
    )

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sightline.vision.heads import (
    Candidates,
    Head,
    InputSize,
    OutputForm,
    anchor_count,
    decode,
    default_nms_iou,
)

SIZE = InputSize(64, 32)
CLASSES = 3
ANCHORS = anchor_count(SIZE)
THRESHOLD = 0.3
Row = tuple[tuple[float, float, float, float], float, int]


def slow_yolov8(output: NDArray[np.float32]) -> list[Row]:
    return [one_row(column[:4], 1.0, column[4:]) for column in output.T.tolist()]


def slow_yolov5(output: NDArray[np.float32]) -> list[Row]:
    return [one_row(row[:4], row[4], row[5:]) for row in output.tolist()]


def slow_yolox(output: NDArray[np.float32]) -> list[Row]:
    rows = []
    values = iter(output.tolist())
    for stride in (8, 16, 32):
        for y in range(SIZE.height // stride):
            for x in range(SIZE.width // stride):
                row = next(values)
                box = [
                    (row[0] + x) * stride,
                    (row[1] + y) * stride,
                    math.exp(row[2]) * stride,
                    math.exp(row[3]) * stride,
                ]
                rows.append(one_row(box, row[4], row[5:]))
    return rows


def slow_end2end(output: NDArray[np.float32]) -> list[Row]:
    return [((r[0], r[1], r[2], r[3]), r[4], int(r[5])) for r in output.tolist()]


def one_row(box: list[float], objectness: float, classes: list[float]) -> Row:
    x, y, width, height = box
    best = max(classes)
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return corners, objectness * best, classes.index(best)


def assert_same(found: Candidates, rows: list[Row]) -> None:
    """Compare, but for rows whose score is within rounding of the threshold."""
    sure = [row for row in rows if row[1] >= THRESHOLD + 1e-5]
    count = sum(row[1] >= THRESHOLD - 1e-5 for row in rows)
    assert len(sure) <= len(found.scores) <= count
    if len(sure) == count:
        assert found.boxes == pytest.approx(np.array([r[0] for r in sure]).reshape(-1, 4), rel=1e-4, abs=1e-3)
        assert found.scores.tolist() == pytest.approx([r[1] for r in sure], abs=1e-6)
        assert found.class_ids.tolist() == [r[2] for r in sure]


seeds = st.integers(0, 2**32 - 1)


def raw(seed: int, rows: int, columns: int, boxes: float = 4) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    output = rng.random((rows, columns), dtype=np.float32)
    output[:, :4] = rng.normal(0, boxes, (rows, 4))
    return output


@given(seeds)
def test_yolov8_decodes_as_the_slow_way_does(seed: int) -> None:
    output = np.ascontiguousarray(raw(seed, 50, 4 + CLASSES, 30).T)
    assert_same(decode(Head.YOLOV8, output, SIZE, CLASSES, THRESHOLD), slow_yolov8(output))


@given(seeds)
def test_yolov5_decodes_as_the_slow_way_does(seed: int) -> None:
    output = raw(seed, 3 * ANCHORS, 5 + CLASSES, 30)
    assert_same(decode(Head.YOLOV5, output, SIZE, CLASSES, THRESHOLD), slow_yolov5(output))


@given(seeds)
def test_yolox_decodes_as_the_slow_way_does(seed: int) -> None:
    output = raw(seed, ANCHORS, 5 + CLASSES, 2)
    assert_same(decode(Head.YOLOX, output, SIZE, CLASSES, THRESHOLD), slow_yolox(output))


@given(seeds)
def test_end2end_decodes_as_the_slow_way_does(seed: int) -> None:
    output = raw(seed, 20, 6, 30)
    output[:, 5] = np.random.default_rng(seed).integers(0, CLASSES, 20)
    assert_same(decode(Head.END2END, output, SIZE, CLASSES, THRESHOLD), slow_end2end(output))


@given(seeds)
def test_boxes_that_the_export_decoded_are_read_as_they_are(seed: int) -> None:
    output = raw(seed, ANCHORS, 5 + CLASSES, 30)
    for head in (Head.YOLOV6, Head.YOLOX_DECODED):
        assert_same(decode(head, output, SIZE, CLASSES, THRESHOLD), slow_yolov5(output))


@given(seeds)
def test_final_boxes_by_middle_and_size_decode_as_the_slow_way_does(seed: int) -> None:
    output = raw(seed, 20, 6, 30)
    output[:, 5] = np.random.default_rng(seed).integers(0, CLASSES, 20)
    rows = [(one_row(r[:4], 1.0, [r[4]])[0], r[4], int(r[5])) for r in output.tolist()]
    assert_same(decode(Head.END2END_XYWH, output, SIZE, CLASSES, THRESHOLD), rows)


@given(seeds)
def test_queries_are_read_from_probabilities_and_from_logits(seed: int) -> None:
    output = raw(seed, 20, 4 + CLASSES, 1)
    logits = output.copy()
    logits[:, 4:] = np.log(output[:, 4:] / (1 - output[:, 4:]))
    pixels = [64.0, 32.0, 64.0, 32.0]
    rows = [
        one_row([share * side for share, side in zip(row[:4], pixels, strict=True)], 1.0, row[4:])
        for row in output.tolist()
    ]
    shares, raw_scores = OutputForm("shares"), OutputForm("shares", "logits")
    assert_same(decode(Head.RTDETR, output, SIZE, CLASSES, THRESHOLD, shares), rows)
    assert_same(decode(Head.RTDETR, logits, SIZE, CLASSES, THRESHOLD, raw_scores), rows)


@given(seeds)
def test_no_object_competes_with_the_classes_and_is_no_class(seed: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 2, (20, 5 + CLASSES)).astype(np.float32)
    powers = np.exp(logits[:, 4:].astype(np.float64))
    shares = powers / powers.sum(axis=1, keepdims=True)
    rows = [
        one_row(box, 1.0, scores[:-1])
        for box, scores in zip(logits[:, :4].tolist(), shares.tolist(), strict=True)
    ]
    form = OutputForm("pixels", "logits")
    assert_same(decode(Head.DETR, logits, SIZE, CLASSES, THRESHOLD, form), rows)


SHAPES = {
    Head.YOLOV8: (4 + CLASSES, 50),
    Head.YOLOV5: (50, 5 + CLASSES),
    Head.YOLOV6: (50, 5 + CLASSES),
    Head.YOLOX: (ANCHORS, 5 + CLASSES),
    Head.YOLOX_DECODED: (ANCHORS, 5 + CLASSES),
    Head.END2END: (20, 6),
    Head.END2END_XYWH: (20, 6),
    Head.RTDETR: (20, 4 + CLASSES),
    Head.DETR: (20, 5 + CLASSES),
}
DECODED = [head for head in Head if head is not Head.NMS]


@pytest.mark.parametrize("form", [OutputForm(), OutputForm("shares", "logits")])
@pytest.mark.parametrize("head", DECODED)
@given(seed=seeds)
def test_broken_numbers_never_come_out(head: Head, form: OutputForm, seed: int) -> None:
    rng = np.random.default_rng(seed)
    output = rng.normal(0, 50, SHAPES[head]).astype(np.float32)
    broken = rng.random(output.shape)
    output[broken < 0.1] = np.nan
    output[(broken > 0.1) & (broken < 0.15)] = np.inf
    output[(broken > 0.15) & (broken < 0.2)] = -np.inf
    found = decode(head, output, SIZE, CLASSES, 0.1, form)
    assert np.isfinite(found.boxes).all()
    assert ((found.scores >= np.float32(0.1)) & (found.scores <= 1)).all()
    assert ((found.class_ids >= 0) & (found.class_ids < CLASSES)).all()
    assert len(found.boxes) == len(found.scores) == len(found.class_ids)


@pytest.mark.parametrize("head", DECODED)
def test_another_number_of_classes_than_said_is_an_error(head: Head) -> None:
    rows, columns = SHAPES[head]
    with pytest.raises(ValueError, match="does not fit head"):
        decode(head, np.zeros((rows + 1, columns + 1), np.float32), SIZE, CLASSES, 0.1)


def test_nothing_above_the_threshold_gives_empty_arrays_of_the_right_shape() -> None:
    for head, shape in SHAPES.items():
        found = decode(head, np.zeros(shape, np.float32), SIZE, CLASSES, 0.1)
        assert found.boxes.shape == (0, 4)
        assert found.scores.shape == found.class_ids.shape == (0,)


def test_boxes_are_suppressed_as_the_heads_authors_do() -> None:
    assert default_nms_iou(Head.YOLOV8) == 0.7
    assert default_nms_iou(Head.YOLOX) == default_nms_iou(Head.YOLOX_DECODED) == 0.65
    # Nothing overlaps more than wholly: the DETR family suppresses nothing.
    assert default_nms_iou(Head.RTDETR) == default_nms_iou(Head.DETR) == 1.0

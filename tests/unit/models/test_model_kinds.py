"""Layouts of one shape mean other things: each kind is read right, and a wrong head is refused by name."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from sightline.errors import SightlineError
from sightline.vision.describe import find_model
from sightline.vision.detector import Detector
from sightline.vision.head_checks import fitting_heads
from sightline.vision.heads import Head, InputSize
from sightline.vision.onnx_backend import OnnxBackend
from tests.detector_outputs import (
    ANCHORS,
    PIXELS,
    SIDE,
    Floats,
    add,
    anchors,
    filled,
    final,
    logits,
    many_corners,
    middles,
    queries,
    refused,
    seen,
)

MakeModel = Callable[..., Path]
NAMES = {"names": "{0: 'van', 1: 'tram', 2: 'bus'}"}
ONE = {"names": "{0: 'van'}"}
RTDETR = {"description": "Ultralytics RT-DETR-l model", "task": "detect", "names": "{0: 'van', 1: 'tram'}"}
YOLO11 = {"description": "Ultralytics YOLO11n model trained on coco.yaml", **NAMES}


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def shares_of_one(output: Floats) -> Floats:
    """The same with scores that a softmax could give."""
    scores = output[:, 4:]
    return np.concatenate((output[:, :4], scores / scores.sum(axis=1, keepdims=True)), axis=1)


def as_corners(output: Floats) -> Floats:
    """The same boxes by two corners."""
    half = output[:, 2:4] / 2
    return np.concatenate((output[:, :2] - half, output[:, :2] + half, output[:, 4:]), axis=1)


PLAIN = [
    ("yolox", anchors(raw=True), 2),
    ("yolox-decoded", anchors(0.5), 2),
    ("yolov6", anchors(), 2),
    ("yolov6", anchors(scale=1 / SIDE), 2),
    ("yolov8", np.ascontiguousarray(np.delete(anchors(), 4, axis=1).T), 2),
    ("yolov8", np.ascontiguousarray(np.delete(anchors(scale=1 / SIDE), 4, axis=1).T), 2),
]


@pytest.mark.parametrize(("head", "output", "count"), PLAIN)
def test_boxes_of_a_grid_are_found_decoded_or_not_in_pixels_or_shares(
    make_model: MakeModel, head: str, output: Floats, count: int
) -> None:
    assert add(make_model(output, metadata=NAMES), head) == 0
    found, labels = seen()
    truth = anchors()[[9, 30], :4]
    expected = np.concatenate((truth[:, :2] - truth[:, 2:] / 2, truth[:, :2] + truth[:, 2:] / 2), axis=1)
    order = np.argsort(found.boxes[:, 1])
    assert found.boxes[order] == pytest.approx(np.clip(expected, 0, SIDE), abs=0.01)
    assert [labels[each] for each in found.class_ids] == ["tram"] * count


CORNERS = [
    ("end2end", final(PIXELS), NAMES),
    ("end2end", final([[side / SIDE for side in box] for box in PIXELS]), NAMES),
    ("end2end-xywh", final(middles(PIXELS)), NAMES),
    ("end2end-xywh", final(middles(PIXELS, 1 / SIDE)), NAMES),
    ("rtdetr", queries(classes=3), NAMES),
    ("rtdetr", logits(queries(classes=3)), NAMES),
    # RT-DETR as Ultralytics 8.4.190 exports it: the best class of each query, chosen in the graph.
    ("rtdetr", final(middles(PIXELS, 1 / SIDE)), NAMES),
]


@pytest.mark.parametrize(("head", "output", "metadata"), CORNERS)
def test_boxes_without_a_grid_are_found_by_corners_or_middles_in_pixels_or_shares(
    make_model: MakeModel, head: str, output: Floats, metadata: Mapping[str, str]
) -> None:
    assert add(make_model(output, metadata=metadata), head) == 0
    found, labels = seen()
    assert found.boxes == pytest.approx(np.array(PIXELS), abs=0.01)
    assert found.scores.tolist() == pytest.approx([0.9, 0.8])
    assert [labels[each] for each in found.class_ids] == ["van", "bus"]


def test_queries_are_stretched_over_the_input_and_back(make_model: MakeModel) -> None:
    assert add(make_model(queries(classes=3), metadata=NAMES), "rtdetr") == 0
    file, spec = find_model(Path("models/model"))
    detector = Detector(spec, OnnxBackend(file, output_names=[spec.output_name]))
    (found,) = detector.detect([np.full((100, 200, 3), 90, np.uint8)])
    scale = np.array((200, 100, 200, 100)) / SIDE
    assert found.boxes == pytest.approx(np.array(PIXELS) * scale, abs=0.01)


@pytest.mark.parametrize("classes", [1, 2])
def test_an_rt_detr_that_says_so_needs_no_head(make_model: MakeModel, classes: int) -> None:
    names = {"names": "['van']"} if classes == 1 else {}
    model = make_model(queries(classes=classes), metadata={**RTDETR, **names})
    assert add(model, None) == 0
    found, _ = seen()
    assert found.boxes == pytest.approx(np.array(PIXELS), abs=0.01)
    assert found.class_ids.tolist() == [0, classes - 1]


@pytest.mark.parametrize(
    ("output", "more", "head"),
    [
        (np.zeros((7, ANCHORS), np.float32), {"task": ""}, "yolov8"),
        (final(PIXELS), {"args": "{'nms': True}"}, "end2end"),
        (final(PIXELS), {"end2end": "True"}, "end2end"),
        (final(PIXELS), {}, "end2end"),  # YOLOv10, before its exporter told
    ],
)
def test_a_yolo_that_says_so_needs_no_head(
    make_model: MakeModel, output: Floats, more: Mapping[str, str], head: str
) -> None:
    assert add(make_model(output, metadata={**YOLO11, **more}), None) == 0
    assert find_model(Path("models/model"))[1].head == head
    model = make_model(output, metadata={**YOLO11, **more}, name="direct.onnx")
    assert find_model(model)[1].head == head


@pytest.mark.parametrize(
    ("head", "output", "metadata", "says"),
    [
        ("yolox", anchors(0.5), NAMES, "decoded already.* --head yolox-decoded"),
        ("yolox", anchors(), NAMES, "decoded already.* --head yolov6"),
        ("yolox", anchors(0.5, scale=1 / SIDE), NAMES, "decoded already"),
        ("yolox-decoded", anchors(0.5, raw=True), NAMES, "not decoded. Is it --head yolox"),
        ("yolov6", anchors(raw=True), NAMES, "not decoded. Is it --head yolox"),
        ("end2end", final(middles(PIXELS)), NAMES, "second corner .* --head end2end-xywh"),
        ("end2end-xywh", many_corners(), NAMES, "two corners. Is it --head end2end"),
        ("end2end", queries(), {"names": "['a', 'b']"}, "shares of the picture. Is it --head rtdetr"),
        ("end2end", final(PIXELS)[:, [0, 1, 2, 3, 5, 4]], NAMES, "look swapped"),
        ("end2end", final(PIXELS), {"names": "['a', 'b']"}, "class id 2, but there are 2 class names"),
        ("rtdetr", many_corners(), NAMES, "as a class id is|two corners"),
        ("rtdetr", final(PIXELS), NAMES, "a whole number up to 2, as a class id is. Is it --head end2end"),
        ("rtdetr", final(PIXELS)[:, [0, 1, 2, 3, 4, 4]] * [1, 1, 1, 1, 1, 0], {}, "Is it --head end2end"),
        ("rtdetr", final(middles(PIXELS)), NAMES, "Is it --head end2end-xywh"),
        ("end2end", queries(), {}, "Is it --head rtdetr"),
        ("end2end", final([[500, 500, 560, 560]] * 2), NAMES, "100% of the best boxes are outside of"),
        ("end2end-xywh", final([[32, 32, 900, 20]] * 2), NAMES, "100% of the best boxes are far larger"),
        ("rtdetr", shares_of_one(queries(classes=3)), NAMES, "add up to 1. Is it --head detr"),
        ("detr", queries(classes=4), NAMES, "do not add up to 1. Is it --head rtdetr"),
        ("rtdetr", queries(classes=4), NAMES, "has 4 classes, .* name 3. Is it --head detr"),
        ("yolov8", logits(queries(ANCHORS, 3)).T.copy(), NAMES, "run from .* expected 0 to 1"),
        ("end2end", queries(), RTDETR, "RT-DETR-l model', so its head is rtdetr, not end2end"),
        ("yolov5", np.zeros((7, ANCHORS), np.float32), YOLO11, "so its head is yolov8 or end2end"),
        ("yolov5", np.zeros((300, 8), np.float32), NAMES, "expected 252 anchors .* shape of rtdetr"),
        ("rtdetr", np.full((30, 7), np.nan, np.float32), NAMES, "not finite"),
        ("yolov8", 900 + np.zeros((7, ANCHORS), np.float32), NAMES, "run from"),
        ("end2end", anchors(0.5, classes=1), ONE, "Is it --head yolox-decoded, with one class"),
        ("end2end-xywh", anchors(0.5, classes=1, raw=True), ONE, "Is it --head yolox, with one class"),
        ("end2end", anchors(classes=1), ONE, "Is it --head yolov6, with one class"),
        ("end2end", np.tile(anchors(0.5, classes=1), (3, 1)), ONE, "Is it --head yolov5, with one class"),
        ("end2end", logits(queries()), {}, "no whole numbers .* Is it --head rtdetr, with two classes"),
        ("end2end-xywh", shares_of_one(queries()), ONE, "add up to 1. Is it --head detr, with one class"),
        ("nms", queries(classes=3), NAMES, "a picture's number, is 0.* Is it --head rtdetr or detr"),
        ("yolov8", as_corners(np.delete(anchors(), 4, axis=1)).T.copy(), NAMES, "look like two corners"),
        ("yolov6", as_corners(anchors()), NAMES, "look like two corners"),
        ("yolov5", as_corners(np.tile(anchors(0.5), (3, 1))), NAMES, "look like two corners"),
        ("end2end", final(PIXELS) * [1, 1, 1, 1, 100, 1], NAMES, "Export the model with scores from 0 to 1"),
        (None, queries(), NAMES, "Nothing says what kind of detector .* Give --head"),
    ],
)
def test_a_wrong_head_is_refused_with_what_it_looks_like(
    make_model: MakeModel,
    capsys: pytest.CaptureFixture[str],
    head: str | None,
    output: Floats,
    metadata: Mapping[str, str],
    says: str,
) -> None:
    said = refused(capsys, make_model(output, metadata=metadata), head)
    assert re.search(says, said), said


@pytest.mark.parametrize(
    ("head", "output", "says"),
    [
        ("yolov6", anchors(0.5), "objectness of .* is not 1, as YOLOX has it: is it --head yolox-decoded"),
        ("yolox-decoded", anchors(), "objectness of .* is 1 for all boxes, .* is it --head yolov6"),
        (
            "detr",
            np.pad(logits(queries(classes=3)), ((0, 0), (0, 1)), constant_values=-6),
            "last class .* wins in .* is it --head rtdetr",
        ),
    ],
)
def test_what_another_head_would_explain_is_a_warning(
    make_model: MakeModel, capsys: pytest.CaptureFixture[str], head: str, output: Floats, says: str
) -> None:
    assert add(make_model(output, metadata=NAMES), head) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(f"Warning: The {says}", said), said


def test_what_is_only_odd_is_a_warning(make_model: MakeModel, capsys: pytest.CaptureFixture[str]) -> None:
    same = filled([[8, 8, 40, 40, 0.9, 1]] * 9, 20)
    assert add(make_model(same, metadata=NAMES), "end2end") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "27 boxes with a score from 0.1 up" in said
    assert "Warning: All 27 boxes that" in said
    assert "are the same (8, 8, 40, 40)" in said


def test_scores_that_went_through_a_sigmoid_twice_are_a_warning(
    make_model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = np.delete(anchors(), 4, axis=1)
    twice[:, 4:] = 1 / (1 + np.exp(-twice[:, 4:]))
    assert add(make_model(twice.T.copy(), metadata=NAMES), "yolov8") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "100% have a score of 0.1 or more" in said
    assert "was its sigmoid taken twice" in said


def test_queries_are_no_grid_of_one_stride() -> None:
    # 640 / 64 squared is 100, as many queries as DETR has; three times that is RT-DETR's number.
    for queries_of in (100, 300):
        fitting = fitting_heads((1, queries_of, 8), InputSize(640, 640))
        assert fitting == [Head.RTDETR, Head.DETR]


def test_a_model_that_is_taken_directly_is_checked_too(make_model: MakeModel) -> None:
    doubts: list[str] = []
    same = filled([[8, 8, 40, 40, 0.9, 1]] * 9, 20)
    find_model(make_model(same, metadata=NAMES), Head.END2END, doubt=doubts.append)
    assert len(doubts) == 1
    with pytest.raises(SightlineError, match="decoded already"):
        find_model(make_model(anchors(0.5), metadata=NAMES), Head.YOLOX)

"""Layouts of one shape mean other things: each kind is read right, and a wrong head is refused by name."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sightline.cli.app import run
from sightline.errors import SightlineError
from sightline.vision.describe import find_model
from sightline.vision.detector import Detected, Detector
from sightline.vision.heads import Head, InputSize, grid
from sightline.vision.onnx_backend import OnnxBackend

MakeModel = Callable[..., Path]
Floats = NDArray[np.float32]
SIDE = 64
CELLS, STRIDES = grid(InputSize(SIDE, SIDE))
ANCHORS = len(CELLS)
PIXELS = [[10, 8, 40, 28], [20, 30, 60, 60]]  # x1, y1, x2, y2
NAMES = {"names": "{0: 'van', 1: 'tram', 2: 'bus'}"}
RTDETR = {"description": "Ultralytics RT-DETR-l model", "task": "detect", "names": "{0: 'van', 1: 'tram'}"}
YOLO11 = {"description": "Ultralytics YOLO11n model trained on coco.yaml", **NAMES}


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


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
    output[[9, 30], 5 + 1] = 0.9
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


def seen(model: str = "model") -> tuple[Detected, tuple[str, ...]]:
    """What the added model finds in a square picture, and its labels."""
    file, spec = find_model(Path("models") / model)
    detector = Detector(spec, OnnxBackend(file, output_names=[spec.output_name]))
    first, second = detector.detect([np.full((SIDE, SIDE, 3), 90, np.uint8)] * 2)
    assert first.boxes.tolist() == second.boxes.tolist()
    return first, spec.labels


def add(model: Path, head: str | None, *more: str) -> int:
    return run(["models", "add", str(model), *(["--head", head] if head else []), *more])


def refused(capsys: pytest.CaptureFixture[str], model: Path, head: str | None, *more: str) -> str:
    assert add(model, head, *more) == 1
    assert not Path("models").exists()
    return " ".join(capsys.readouterr().err.split())


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
    # RT-DETR as Ultralytics exports it since 8.4: the best class of each query, chosen in the graph.
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
        (np.zeros((7, ANCHORS), np.float32), {}, "yolov8"),
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
        ("rtdetr", many_corners(), NAMES, "two corners. Is it --head end2end"),
        ("rtdetr", queries(classes=4), NAMES, "has 4 classes, .* name 3. Is it --head detr"),
        ("yolov8", logits(queries(ANCHORS, 3)).T.copy(), NAMES, "run from .* expected 0 to 1"),
        ("end2end", queries(), RTDETR, "RT-DETR-l model', so its head is rtdetr, not end2end"),
        ("yolov5", np.zeros((7, ANCHORS), np.float32), YOLO11, "so its head is yolov8 or end2end"),
        ("yolov5", np.zeros((300, 8), np.float32), NAMES, "expected 252 anchors .* shape of rtdetr"),
        ("rtdetr", np.full((30, 7), np.nan, np.float32), NAMES, "not finite"),
        ("yolov8", 900 + np.zeros((7, ANCHORS), np.float32), NAMES, "run from"),
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


def test_what_is_only_odd_is_a_warning(make_model: MakeModel, capsys: pytest.CaptureFixture[str]) -> None:
    same = filled([[8, 8, 40, 40, 0.9, 1]] * 9, 20)
    assert add(make_model(same, metadata=NAMES), "end2end") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "27 boxes with a score from 0.1 up" in said
    assert "Warning: All 27 boxes that" in said
    assert "are the same (8, 8, 40, 40)" in said


def test_a_model_that_is_taken_directly_is_checked_too(make_model: MakeModel) -> None:
    doubts: list[str] = []
    same = filled([[8, 8, 40, 40, 0.9, 1]] * 9, 20)
    find_model(make_model(same, metadata=NAMES), Head.END2END, doubt=doubts.append)
    assert len(doubts) == 1
    with pytest.raises(SightlineError, match="decoded already"):
        find_model(make_model(anchors(0.5), metadata=NAMES), Head.YOLOX)


def ends(
    path: str,
    outputs: Mapping[str, NDArray[np.generic]],
    extra: Mapping[str, tuple[int, tuple[int | str, ...]]] | None = None,
    scaled: str | None = None,
    opset: int = 13,
) -> Path:
    """A model with these outputs for each picture, and with other inputs; `scaled` is times the size."""
    nodes, values = [], []
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ("batch", 3, SIDE, SIDE))
    zero = numpy_helper.from_array(np.array(0, np.float32), "zero")
    nodes.append(helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0))
    nodes.append(helper.make_node("Mul", ["mean", "zero"], ["nothing"]))
    for name, output in outputs.items():
        kind = helper.np_dtype_to_tensor_dtype(output.dtype)
        ones = [1] * output.ndim
        values.append(numpy_helper.from_array(output[None], f"{name}_fixed"))
        values.append(numpy_helper.from_array(np.array([-1, *ones], np.int64), f"{name}_shape"))
        nodes.append(helper.make_node("Reshape", ["nothing", f"{name}_shape"], [f"{name}_zeros"]))
        nodes.append(helper.make_node("Cast", [f"{name}_zeros"], [f"{name}_cast"], to=kind))
        last = f"{name}_sum" if name == scaled else name
        nodes.append(helper.make_node("Add", [f"{name}_fixed", f"{name}_cast"], [last]))
    if scaled:
        values += [
            numpy_helper.from_array(np.array([1, 2], np.int64), "twice"),
            numpy_helper.from_array(np.array([-1, 1, 4], np.int64), "flat"),
        ]
        nodes += [
            helper.make_node("Cast", ["orig_target_sizes"], ["sizes"], to=TensorProto.FLOAT),
            helper.make_node("Tile", ["sizes", "twice"], ["sides"]),
            helper.make_node("Reshape", ["sides", "flat"], ["sides_flat"]),
            helper.make_node("Mul", [f"{scaled}_sum", "sides_flat"], [scaled]),
        ]
    for name, (kind, _) in (extra or {}).items():
        if name != "orig_target_sizes":
            nodes.append(helper.make_node("Cast", [name], [f"{name}_unused"], to=kind))
    graph = helper.make_graph(
        nodes,
        "ends",
        [images, *(helper.make_tensor_value_info(name, *form) for name, form in (extra or {}).items())],
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(o.dtype), None)
            for name, o in outputs.items()
        ],
        [zero, *values],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return Path(path)


def with_no_object(output: Floats) -> Floats:
    """The logits of a softmax in which "no object" takes what the classes leave."""
    rest = np.maximum(1 - output[:, 4:].sum(axis=1, keepdims=True), 1e-4)
    return np.log(np.concatenate((output[:, 4:], rest), axis=1)).astype(np.float32)


CLASSES_3 = queries(classes=3)
SHARES = np.array(PIXELS, np.float32) / SIDE
FOUND = {
    "scores": np.array([0.9, 0.8, 0.01], np.float32),
    "labels": np.array([0, 2, 1], np.int64),
    "boxes": np.concatenate((SHARES, [[0.1, 0.1, 0.2, 0.2]])).astype(np.float32),
}
SIZES = {"orig_target_sizes": (TensorProto.INT64, ("batch", 2))}
MASK = {"pixel_mask": (TensorProto.INT64, ("batch", SIDE, SIDE))}
NMS_ROWS = np.array([[0, *PIXELS[0], 0, 0.9], [0, *PIXELS[1], 2, 0.8]], np.float32)

SEVERAL = [
    # As Hugging Face exports them.
    ("rtdetr", {"logits": logits(CLASSES_3)[:, 4:], "pred_boxes": CLASSES_3[:, :4]}, {}, None),
    ("detr", {"logits": with_no_object(CLASSES_3), "pred_boxes": CLASSES_3[:, :4]}, MASK, None),
    # RT-DETR's own export, and D-FINE's.
    ("rtdetr", FOUND, SIZES, "boxes"),
    # As the NMS of TensorRT and ONNX Runtime gives them.
    (
        "end2end",
        {
            "num_dets": np.array([2], np.int32),
            "det_boxes": np.array([*PIXELS, [0, 0, 9, 9]], np.float32),
            "det_scores": np.array([0.9, 0.8, 0.7], np.float32),
            "det_classes": np.array([0, 2, 1], np.int32),
        },
        {},
        None,
    ),
    # As MMDetection gives them.
    (
        "end2end",
        {
            "dets": np.array([[*PIXELS[0], 0.9], [*PIXELS[1], 0.8]], np.float32),
            "labels": np.array([0, 2], np.int64),
        },
        {},
        None,
    ),
]


@pytest.mark.parametrize("opset", [11, 13, 17])
@pytest.mark.parametrize(("head", "outputs", "extra", "scaled"), SEVERAL)
def test_several_outputs_and_inputs_are_put_in_order(
    head: str,
    outputs: Mapping[str, NDArray[np.generic]],
    extra: Mapping[str, tuple[int, tuple[int | str, ...]]],
    scaled: str | None,
    opset: int,
) -> None:
    Path("names.txt").write_text("van\ntram\nbus\n")
    assert add(ends("model.onnx", outputs, extra, scaled, opset), head, "--labels", "names.txt") == 0
    found, labels = seen()
    assert found.boxes == pytest.approx(np.array(PIXELS), abs=0.01)
    assert found.scores.tolist() == pytest.approx([0.9, 0.8], abs=0.01)
    assert [labels[each] for each in found.class_ids] == ["van", "bus"]


def test_rows_of_all_pictures_of_a_batch_become_those_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    Path("names.txt").write_text("van\ntram\nbus\n")
    model = ends("nms.onnx", {"output": NMS_ROWS})
    graph = onnx.load(model)
    # (total, 7): without an axis for the batch.
    graph.graph.initializer.append(numpy_helper.from_array(np.array([-1, 7], np.int64), "rows"))
    graph.graph.node.append(helper.make_node("Reshape", ["output", "rows"], ["flat_rows"]))
    graph.graph.output[0].name = "flat_rows"
    onnx.save(graph, model)
    assert add(model, "nms", "--labels", "names.txt") == 0
    found, labels = seen("nms")
    assert found.boxes == pytest.approx(np.array(PIXELS), abs=0.01)
    assert [labels[each] for each in found.class_ids] == ["van", "bus"]
    with pytest.raises(SightlineError, match=r"sightline models add nms\.onnx --head nms"):
        find_model(model, Head.NMS)


def test_outputs_and_inputs_that_are_no_detections_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    told = {"boxes": FOUND["boxes"], "angles": FOUND["boxes"], "more": FOUND["boxes"]}
    said = refused(capsys, ends("model.onnx", told), "rtdetr", "--labels", "coco")
    assert "are not those of head rtdetr" in said
    both = {"logits": CLASSES_3[:, 4:], "pred_boxes": CLASSES_3[:, :4]}
    said = refused(capsys, ends("model.onnx", both), "end2end", "--labels", "coco")
    assert "Is it --head rtdetr, or detr" in said
    other = {"scale": (TensorProto.FLOAT, ("batch", 7))}
    said = refused(capsys, ends("model.onnx", both, other), "rtdetr", "--labels", "coco")
    assert "asks for 'scale'" in said


def test_a_detr_of_coco_gets_the_names_of_its_91_ids() -> None:
    rng = np.random.default_rng(4)
    boxes = rng.random((20, 4)).astype(np.float32)
    scores = np.full((20, 92), -4.0, np.float32)
    scores[:, 91] = 4.0
    scores[0, 3] = 9.0
    assert add(ends("model.onnx", {"logits": scores, "pred_boxes": boxes}), "detr") == 0
    found, labels = seen()
    assert [labels[each] for each in found.class_ids] == ["car"]

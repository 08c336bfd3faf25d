"""Models with several outputs or inputs are put in order when they are added."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sightline.errors import SightlineError
from sightline.vision.describe import find_model
from sightline.vision.heads import Head
from sightline.vision.onnx_backend import OnnxBackend
from tests.detector_outputs import PIXELS, SIDE, Floats, add, logits, queries, refused, seen


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


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


def test_rows_of_no_detections_at_all_are_taken() -> None:
    Path("names.txt").write_text("van\ntram\nbus\n")
    model = ends("nms.onnx", {"output": np.zeros((0, 7), np.float32)})
    assert add(model, "nms", "--labels", "names.txt") == 0
    found, _ = seen("nms")
    assert len(found.boxes) == 0


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


def test_parts_are_named_where_a_head_of_one_output_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    model = ends("model.onnx", FOUND)
    assert "the head is end2end (with class ids)" in refused(capsys, model, "yolov8", "--labels", "coco")
    said = refused(capsys, model, "nms", "--labels", "coco")
    assert "head nms means one. Is it --head end2end" in said


@pytest.mark.parametrize("axes", [3, 4])
def test_grids_without_boxes_are_no_masks(capsys: pytest.CaptureFixture[str], axes: int) -> None:
    maps = {
        f"p{cells}": np.zeros((*(3, 8)[: axes - 2], cells, cells), np.float32)
        for cells in (8, 4, 2)
    }  # fmt: skip
    said = refused(capsys, ends("model.onnx", maps), "yolov8", "--labels", "coco")
    assert "are the maps of its grids, of which no boxes were made" in said


def test_parts_for_one_picture_only_are_given_one(capsys: pytest.CaptureFixture[str]) -> None:
    Path("names.txt").write_text("van\ntram\nbus\n")
    model = onnx.load(ends("model.onnx", FOUND))
    for value in model.graph.initializer:
        if value.name.endswith("_shape"):
            shape = [1, *numpy_helper.to_array(value)[1:]]
            value.CopyFrom(numpy_helper.from_array(np.array(shape, np.int64), value.name))
    onnx.save(model, "model.onnx")
    assert add(Path("model.onnx"), "end2end", "--labels", "names.txt") == 0
    assert "batches of 1" in capsys.readouterr().out
    found, _ = seen()
    assert len(found.boxes) == 2


@pytest.mark.parametrize("fails", [True, False])
def test_a_model_that_takes_one_picture_and_says_any_is_given_one(
    capsys: pytest.CaptureFixture[str], fails: bool
) -> None:
    """Many exports open the batch axis of the input, and have a batch of one built in further on."""
    rows = np.zeros((6, 84), np.float32)
    model = onnx.load(ends("model.onnx", {"output": rows}))
    if fails:
        shape = numpy_helper.from_array(np.ones(3, np.int64), "output_shape")
        next(each for each in model.graph.initializer if each.name == "output_shape").CopyFrom(shape)
    else:
        model.graph.node[0].attribute[0].CopyFrom(helper.make_attribute("axes", [0, 1, 2, 3]))
    onnx.save(model, "model.onnx")
    Path("names.txt").write_text("van\ntram\n")
    with pytest.raises(SightlineError, match=r"one picture at a time[\s\S]* add model\.onnx --head yolov8"):
        find_model(Path("model.onnx"), Head.YOLOV8, "names.txt")
    assert add(Path("model.onnx"), "yolov8", "--labels", "names.txt") == 0
    assert "batches of 1" in capsys.readouterr().out
    file, spec = find_model(Path("models/model"))
    with OnnxBackend(file) as backend:
        assert len(backend.infer(np.zeros((3, 3, SIDE, SIDE), np.float32))[0]) == 3
    assert spec.batch == 1


def test_a_detr_of_coco_gets_the_names_of_its_91_ids() -> None:
    rng = np.random.default_rng(4)
    boxes = rng.random((20, 4)).astype(np.float32)
    scores = np.full((20, 92), -4.0, np.float32)
    scores[:, 91] = 4.0
    scores[0, 3] = 9.0
    assert add(ends("model.onnx", {"logits": scores, "pred_boxes": boxes}), "detr") == 0
    found, labels = seen()
    assert [labels[each] for each in found.class_ids] == ["car"]

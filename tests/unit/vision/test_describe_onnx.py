from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from sightline.errors import SightlineError
from sightline.vision.describe import describe_onnx, find_model
from sightline.vision.heads import Head, InputSize
from sightline.vision.labels import COCO_LABELS
from sightline.vision.model import MEGVII, ULTRALYTICS, save_spec

MakeModel = Callable[..., Path]
CELLS = 8 * 8 + 4 * 4 + 2 * 2  # of an input of 64x64


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("head", "shape"),
    [
        (Head.YOLOV8, (84, CELLS)),
        (Head.YOLOV5, (3 * CELLS, 85)),
        (Head.YOLOX, (CELLS, 85)),
    ],
)
def test_a_model_with_80_classes_and_no_names_gets_those_of_coco(
    make_model: MakeModel, head: Head, shape: tuple[int, int]
) -> None:
    spec = describe_onnx(make_model(zeros(*shape)), head)
    assert spec.labels == COCO_LABELS
    assert spec.labels_version == "coco-80"
    assert (spec.head, spec.size, spec.batch) == (head, InputSize(64, 64), 1)
    assert (spec.input_name, spec.output_name) == ("images", "output0")
    assert spec.preprocessing == (MEGVII if head is Head.YOLOX else ULTRALYTICS)


@pytest.mark.parametrize(
    ("head", "shape", "says"),
    [
        (Head.YOLOV8, (CELLS * 3, 85), "look swapped"),
        (Head.YOLOV8, (4, CELLS), "zero classes"),
        (Head.YOLOV5, (CELLS, 85), f"expected {3 * CELLS} anchors"),
        (Head.YOLOV5, (3 * CELLS, 5), "zero classes"),
        (Head.YOLOX, (3 * CELLS, 85), f"expected {CELLS} anchors"),
        (Head.END2END, (84, CELLS), "expected 6 values"),
    ],
)
def test_an_output_that_does_not_fit_the_head_is_refused_with_what_was_expected_and_found(
    make_model: MakeModel, head: Head, shape: tuple[int, int], says: str
) -> None:
    with pytest.raises(SightlineError, match=says) as caught:
        describe_onnx(make_model(zeros(*shape)), head, "coco")
    assert str((1, *shape)) in caught.value.what
    assert f"head {head.value}" in caught.value.what
    assert "end2end" in caught.value.fix


def test_names_come_from_the_metadata_that_ultralytics_writes(make_model: MakeModel) -> None:
    metadata = {"names": "{0: 'cat', 1: 'it''s a dog'}", "task": "detect"}
    spec = describe_onnx(make_model(zeros(6, CELLS), metadata=metadata), Head.YOLOV8)
    assert spec.labels == ("cat", "its a dog")
    assert spec.labels_version.startswith("names-")


def test_given_labels_go_before_the_metadata_and_must_fit_the_classes(
    make_model: MakeModel, tmp_path: Path
) -> None:
    model = make_model(zeros(6, CELLS), metadata={"names": "['a', 'b']"})
    labels = tmp_path / "labels.txt"
    labels.write_text("van\nbike\n\n")
    assert describe_onnx(model, Head.YOLOV8, str(labels)).labels == ("van", "bike")
    labels.write_text("van\nbike\ntram\n")
    with pytest.raises(SightlineError, match=r"has 2 classes, but .* name 3"):
        describe_onnx(model, Head.YOLOV8, str(labels))


@pytest.mark.parametrize("names", ["{0: 'a', 2: 'b'}", "what", "{}", "['a', 'a']", "__import__('os')"])
def test_names_in_the_metadata_that_cannot_be_used_are_an_error(make_model: MakeModel, names: str) -> None:
    with pytest.raises(SightlineError, match="metadata"):
        describe_onnx(make_model(zeros(6, CELLS), metadata={"names": names}), Head.YOLOV8)


@pytest.mark.parametrize(("head", "shape"), [(Head.YOLOV8, (7, CELLS)), (Head.END2END, (9, 6))])
def test_without_names_and_80_classes_the_labels_must_be_given(
    make_model: MakeModel, head: Head, shape: tuple[int, int]
) -> None:
    with pytest.raises(SightlineError, match="no names") as caught:
        describe_onnx(make_model(zeros(*shape)), head)
    assert "labels file" in caught.value.fix


def test_dynamic_axes_take_their_size_from_the_caller_or_the_metadata(make_model: MakeModel) -> None:
    free = ("batch", 3, "height", "width")
    model = make_model(zeros(84, 200), free, metadata={"imgsz": "[64, 128]"})
    spec = describe_onnx(model, Head.YOLOV8)
    assert (spec.width, spec.height, spec.batch) == (128, 64, None)
    assert describe_onnx(model, Head.YOLOV8, input_size=InputSize(96, 32)).size == InputSize(96, 32)
    assert describe_onnx(make_model(zeros(84, 200), free), Head.YOLOV8).size == InputSize(640, 640)


def test_a_fixed_input_of_another_size_than_asked_for_is_an_error(make_model: MakeModel) -> None:
    with pytest.raises(SightlineError, match="fixed to 64x64, not 96x32"):
        describe_onnx(make_model(zeros(84, CELLS)), Head.YOLOV8, input_size=InputSize(96, 32))


def test_half_precision_and_channels_last_are_taken(make_model: MakeModel) -> None:
    half = describe_onnx(make_model(zeros(84, CELLS), dtype=TensorProto.FLOAT16), Head.YOLOV8)
    assert (half.dtype, half.layout) == ("float16", "NCHW")
    last = describe_onnx(make_model(zeros(84, CELLS), (1, 64, 32, 3)), Head.YOLOV8)
    assert (last.layout, last.width, last.height) == ("NHWC", 32, 64)


def test_inputs_that_are_no_pictures_are_refused(make_model: MakeModel) -> None:
    with pytest.raises(SightlineError, match="expected 4 axes, with 3 channels"):
        describe_onnx(make_model(zeros(84, CELLS), (1, 1, 64, 64)), Head.YOLOV8)
    with pytest.raises(SightlineError, match="expected float32 or float16"):
        describe_onnx(make_model(zeros(84, CELLS), dtype=TensorProto.DOUBLE), Head.YOLOV8)


def test_of_several_outputs_one_must_be_named(make_model: MakeModel) -> None:
    model = make_model(zeros(84, CELLS), outputs=("boxes", "masks"))
    with pytest.raises(SightlineError, match=r"2 outputs \(boxes, masks\)"):
        describe_onnx(model, Head.YOLOV8)
    with pytest.raises(SightlineError, match="no output 'other'"):
        describe_onnx(model, Head.YOLOV8, output_name="other")
    assert describe_onnx(model, Head.YOLOV8, output_name="boxes").output_name == "boxes"


def test_raw_scores_and_other_tasks_are_refused(make_model: MakeModel) -> None:
    with pytest.raises(SightlineError, match="run from -3 to 0"):
        describe_onnx(make_model(zeros(84, CELLS) - 3), Head.YOLOV8)
    with pytest.raises(SightlineError, match="'segment'"):
        describe_onnx(make_model(zeros(84, CELLS), metadata={"task": "segment"}), Head.YOLOV8)


def test_a_file_that_is_missing_or_no_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match="no model at"):
        describe_onnx(tmp_path / "none.onnx", Head.YOLOV8)
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    with pytest.raises(SightlineError, match="cannot run the model"):
        describe_onnx(tmp_path / "bad.onnx", Head.YOLOV8)
    with pytest.raises(SightlineError, match="cannot run the model") as caught:
        find_model(tmp_path / "bad.onnx")
    assert "--head" in caught.value.fix


def test_a_model_is_found_by_file_and_head_or_by_the_metadata_beside_it(make_model: MakeModel) -> None:
    model = make_model(zeros(84, CELLS))
    with pytest.raises(SightlineError, match="Nothing says") as caught:
        find_model(model)
    assert "yolox" in caught.value.fix
    path, spec = find_model(model, Head.YOLOV8)
    assert path == model
    save_spec(spec, model.parent)
    assert find_model(model) == find_model(model.parent) == (model, spec)
    with pytest.raises(SightlineError, match="no model at"):
        find_model(model.parent / "gone")

"""`sightline models add` takes what exporters write, and refuses the rest with a sentence that helps."""

import json
import typing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from google.protobuf import text_format
from onnx import TensorProto, helper
from tritonclient.grpc import model_config_pb2

from sightline.cli.app import run
from sightline.settings import Head as HeadName
from sightline.vision.describe import find_model
from sightline.vision.detector import Detector
from sightline.vision.heads import FINAL_BOXES, SET_PREDICTIONS, Head
from sightline.vision.onnx_backend import OnnxBackend

MakeModel = Callable[..., Path]
CELLS = 8 * 8 + 4 * 4 + 2 * 2  # of an input of 64x64
NAMES = {"names": "{0: 'van', 1: 'tram'}"}


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What the command says when it refuses, as one text; nothing may be written then."""
    assert run(["models", "add", *map(str, words)]) == 1
    assert not Path("models").exists()
    return " ".join(capsys.readouterr().err.split())


def config_of(folder: Path) -> typing.Any:
    config = model_config_pb2.ModelConfig()
    text_format.Parse((folder / "config.pbtxt").read_text(), config)
    return config


def test_the_folder_it_writes_finds_what_the_file_finds(
    make_model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    output = zeros(6, CELLS)
    output[:, 7] = (32, 32, 20, 10, 0.2, 0.8)
    model = make_model(output, ("batch", 3, 64, 64), metadata=NAMES, name="my.onnx")
    assert run(["models", "add", str(model), "--head", "yolov8"]) == 0
    said = capsys.readouterr().out
    assert "2 (names-" in said
    assert "van, tram" in said
    assert "sightline run VIDEO --model models/my" in said
    file, spec = find_model(Path("models/my"))
    assert file.read_bytes() == onnx.load(model).SerializeToString()
    (found,) = Detector(spec, OnnxBackend(file, output_names=[spec.output_name])).detect(
        [np.zeros((64, 64, 3), np.uint8)]
    )
    assert found.boxes.tolist() == [[22, 27, 42, 37]]
    assert spec.labels[found.class_ids[0]] == "tram"


def test_the_command_line_knows_every_head() -> None:
    assert set(typing.get_args(HeadName)) == {head.value for head in Head}


def test_triton_gets_free_batches_for_a_model_that_takes_any(make_model: MakeModel) -> None:
    model = make_model(zeros(6, CELLS), ("batch", 3, 64, 32), metadata=NAMES)
    assert run(["models", "add", str(model), "--head", "yolov8", "--name", "free"]) == 0
    config = config_of(Path("models/free"))
    assert (config.name, config.backend, config.max_batch_size) == ("free", "onnxruntime", 32)
    assert config.dynamic_batching.max_queue_delay_microseconds == 5000
    assert config.input[0].dims == [3, 64, 32]
    assert config.output[0].dims == [6, CELLS]


def test_triton_gets_the_batch_as_a_dimension_for_a_model_of_a_fixed_batch(make_model: MakeModel) -> None:
    model = make_model(zeros(CELLS, 85), (1, 3, 64, 64), dtype=TensorProto.FLOAT16)
    assert run(["models", "add", str(model), "--head", "yolox", "--name", "fixed"]) == 0
    config = config_of(Path("models/fixed"))
    assert config.max_batch_size == 0
    assert not config.HasField("dynamic_batching")
    assert config.input[0].dims == [1, 3, 64, 64]
    assert config.output[0].dims == [1, CELLS, 85]
    assert config.input[0].data_type == model_config_pb2.TYPE_FP16


def test_an_end_to_end_model_may_find_any_number(make_model: MakeModel) -> None:
    model = make_model(zeros(30, 6), metadata=NAMES)
    assert run(["models", "add", str(model), "--head", "end2end"]) == 0
    assert config_of(Path("models/model")).output[0].dims == [1, -1, 6]


def test_dynamic_axes_take_the_size_that_is_given(make_model: MakeModel) -> None:
    model = make_model(zeros(84, CELLS), ("batch", 3, "height", "width"))
    assert run(["models", "add", str(model), "--head", "yolov8", "--input-size", "96x32"]) == 0
    spec = json.loads(Path("models/model/1/model.json").read_text())
    assert (spec["width"], spec["height"]) == (96, 32)
    assert config_of(Path("models/model")).input[0].dims == [3, 32, 96]


def test_labels_may_come_from_a_file(make_model: MakeModel) -> None:
    Path("names.txt").write_text("cat\ndog\n")
    model = make_model(zeros(6, CELLS), metadata=NAMES)
    assert run(["models", "add", str(model), "--head", "yolov8", "--labels", "names.txt"]) == 0
    assert find_model(Path("models/model"))[1].labels == ("cat", "dog")


def test_channels_may_come_last(make_model: MakeModel) -> None:
    model = make_model(zeros(84, CELLS), ("batch", 64, 32, 3))
    assert run(["models", "add", str(model), "--head", "yolov8"]) == 0
    assert find_model(Path("models/model"))[1].layout == "NHWC"
    assert config_of(Path("models/model")).input[0].dims == [64, 32, 3]


def test_an_existing_model_stays_unless_it_is_to_be_replaced(
    make_model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    first = make_model(zeros(6, CELLS), metadata=NAMES)
    assert run(["models", "add", str(first), "--head", "yolov8", "--name", "m"]) == 0
    before = Path("models/m/1/model.onnx").read_bytes()
    other = make_model(zeros(84, CELLS))
    assert run(["models", "add", str(other), "--head", "yolov8", "--name", "m"]) == 1
    assert "already" in capsys.readouterr().err
    assert Path("models/m/1/model.onnx").read_bytes() == before
    assert run(["models", "add", str(other), "--head", "yolov8", "--name", "m", "--replace"]) == 0
    assert len(find_model(Path("models/m"))[1].labels) == 80
    assert [path.name for path in Path("models").iterdir()] == ["m"]


def external(path: Path, model: Path, location: str = "weights.bin") -> Path:
    onnx.save_model(
        onnx.load(model),
        path,
        save_as_external_data=True,
        location=location,
        size_threshold=0,
    )
    return path


def test_weights_in_a_file_beside_it_are_put_inside(make_model: MakeModel) -> None:
    output = zeros(84, CELLS)
    output[4, 0] = 0.5
    split = external(Path("split.onnx"), make_model(output))
    assert run(["models", "add", str(split), "--head", "yolov8"]) == 0
    Path("weights.bin").unlink()
    file, _ = find_model(Path("models/split"))
    (found,) = OnnxBackend(file).infer(np.zeros((1, 3, 64, 64), np.float32))
    assert found[0, 4, 0] == 0.5


def test_weights_that_are_missing_or_lie_elsewhere_are_named(
    make_model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    split = external(Path("split.onnx"), make_model(zeros(84, CELLS)))
    Path("weights.bin").unlink()
    said = refused(capsys, split, "--head", "yolov8")
    assert "weights.bin, which is missing" in said
    assert "Put this file beside the model" in said
    model = onnx.load(split, load_external_data=False)
    model.graph.initializer[0].external_data[0].value = "../../secret"
    split.write_bytes(model.SerializeToString())
    assert "outside its folder" in refused(capsys, split, "--head", "yolov8")


@pytest.mark.parametrize("head", list(Head))
def test_a_wrong_head_is_refused_with_the_heads_there_are(
    make_model: MakeModel, capsys: pytest.CaptureFixture[str], head: Head
) -> None:
    shape = (84, CELLS) if head in (Head.YOLOV5, *FINAL_BOXES) else (3 * CELLS, 85)
    shape = (300, 4) if head in SET_PREDICTIONS else shape
    model = make_model(zeros(*shape))
    said = refused(capsys, model, "--head", head.value)
    assert f"but head {head.value} means" in said
    assert "yolov8, yolov5, yolox, end2end" in said


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "empty.onnx", "not an ONNX model. Check that it is whole"),
        (b"PK\x03\x04 torch", "best.pt", "yolo export model=best.pt format=onnx"),
        (b"ftrt\x00\x01", "fast.engine", "one kind of GPU only"),
        (b"\x08\x07", "cut.onnx", "not an ONNX model"),
    ],
)
def test_what_is_no_onnx_file_is_refused_with_the_way_to_one(
    capsys: pytest.CaptureFixture[str], content: bytes, name: str, says: str
) -> None:
    Path(name).write_bytes(content)
    assert says in refused(capsys, name, "--head", "yolov8")


def test_a_file_cut_short_is_refused(make_model: MakeModel, capsys: pytest.CaptureFixture[str]) -> None:
    model = make_model(zeros(84, CELLS))
    model.write_bytes(model.read_bytes()[:-200])
    assert "not an ONNX model" in refused(capsys, model, "--head", "yolov8")


def test_a_missing_file_and_one_that_may_not_be_read_are_refused(
    make_model: MakeModel, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "There is no file gone.onnx" in refused(capsys, "gone.onnx", "--head", "yolov8")
    assert "There is no file ." in refused(capsys, ".", "--name", "m", "--head", "yolov8")
    model = make_model(zeros(84, CELLS))

    def denied(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    # Not by chmod: these tests may run as root, who may read everything.
    monkeypatch.setattr(Path, "read_bytes", denied)
    said = refused(capsys, model, "--head", "yolov8")
    assert "Permission denied" in said
    assert "Check the rights" in said


def test_a_folder_that_cannot_be_written_is_refused(
    make_model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_model(zeros(84, CELLS))
    Path("file").write_text("")
    said = refused(capsys, model, "--head", "yolov8", "--to", "file")
    assert "Cannot write the model folder file/model" in said
    assert "name another one" in said


def test_a_model_with_two_inputs_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3, 8, 8)) for name in ("images", "size")
    ]
    outputs = [helper.make_tensor_value_info("sum", TensorProto.FLOAT, None)]
    graph = helper.make_graph([helper.make_node("Add", ["images", "size"], ["sum"])], "two", inputs, outputs)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), "two.onnx")
    assert "has 2 inputs (images, size)" in refused(capsys, "two.onnx", "--head", "yolov8")


def test_a_segmentation_export_is_refused_with_or_without_its_metadata(
    make_model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    told = make_model(zeros(38, CELLS), metadata={"task": "segment", **NAMES})
    assert "made for the task 'segment'" in refused(capsys, told, "--head", "yolov8")
    model = onnx.load(make_model(zeros(38, CELLS), metadata=NAMES))
    model.graph.node.append(helper.make_node("Identity", ["images"], ["protos"]))
    model.graph.output.append(helper.make_tensor_value_info("protos", TensorProto.FLOAT, (1, 3, 64, 64)))
    onnx.save(model, "untold.onnx")
    assert "looks like the masks" in refused(capsys, "untold.onnx", "--head", "yolov8")
    # Even if the output is named, its 34 values beyond the box are not the two classes of the file.
    said = refused(capsys, "untold.onnx", "--head", "yolov8", "--output", "output0")
    assert "has 34 classes, but the file's metadata name 2" in said
    assert "masks, key points, angles" in said


def test_a_pose_export_is_refused(make_model: MakeModel, capsys: pytest.CaptureFixture[str]) -> None:
    told = make_model(zeros(56, CELLS), metadata={"task": "pose", "names": "{0: 'person'}"})
    assert "made for the task 'pose'" in refused(capsys, told, "--head", "yolov8")
    untold = make_model(zeros(56, CELLS), metadata={"names": "{0: 'person'}"})
    assert "key points" in refused(capsys, untold, "--head", "yolov8")


def test_zero_classes_are_refused(make_model: MakeModel, capsys: pytest.CaptureFixture[str]) -> None:
    assert "zero classes" in refused(capsys, make_model(zeros(4, CELLS)), "--head", "yolov8")
    assert "zero classes" in refused(capsys, make_model(zeros(CELLS, 5)), "--head", "yolox")


@pytest.mark.parametrize("size", ["640", "0x640", "640x", "axb", "640x99999"])
def test_what_is_no_size_is_refused(
    make_model: MakeModel, capsys: pytest.CaptureFixture[str], size: str
) -> None:
    model = make_model(zeros(84, CELLS), ("batch", 3, "height", "width"))
    assert "as 640x384" in refused(capsys, model, "--head", "yolov8", "--input-size", size)


@pytest.mark.parametrize("name", ["../up", "", "a b", ".hidden", "x" * 65])
def test_what_is_no_name_is_refused(
    make_model: MakeModel, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    model = make_model(zeros(84, CELLS))
    assert "no name for a model" in refused(capsys, model, "--head", "yolov8", f"--name={name}")


def test_a_missing_onnx_package_is_an_error_that_names_the_extra(
    make_model: MakeModel, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(zeros(84, CELLS))
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    assert "sightline[local]" in refused(capsys, model, "--head", "yolov8")


def test_the_folder_of_a_triton_model_gives_its_newest_version(make_model: MakeModel) -> None:
    model = make_model(zeros(84, CELLS))
    assert run(["models", "add", str(model), "--head", "yolov8", "--name", "m"]) == 0
    Path("models/m/1").rename("models/m/9")
    assert run(["models", "add", str(model), "--head", "yolov8", "--name", "n"]) == 0
    Path("models/n/1").rename("models/m/10")
    assert find_model(Path("models/m"))[0] == Path("models/m/10/model.onnx")

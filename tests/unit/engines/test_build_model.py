"""`sightline models build` converts, measures, and keeps what is good enough."""

import json
import sys
from pathlib import Path

import pytest

from sightline.cli.app import run
from sightline.named_models import open_recognizer
from sightline.settings import ModelSettings
from sightline.vision.describe import find_model
from tests.unit.engines.drawn import ANCHORS, draw_folder, write_least_detector
from tests.unit.engines.fake_tensorrt import FakeTensorRt
from triton_repo.demo_detector import write_demo_detector

pytest.importorskip("pycocotools", reason="the extra eval is not installed")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_least_detector(tmp_path / "own")


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    return draw_folder(tmp_path / "seen", 20, labels=False)


@pytest.fixture
def gpu(fake: FakeTensorRt) -> FakeTensorRt:
    """A GPU whose engines do what their ONNX file does."""
    fake.input_shape, fake.output_shapes = (-1, 3, 32, 64), ((-1, 6, ANCHORS),)
    fake.runs_onnx = True
    return fake


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_an_engine_is_built_measured_kept_and_found_again(
    model: Path, seen: Path, gpu: FakeTensorRt, precision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = [] if precision == "fp32" else [f"--{precision}"]
    assert run(["models", "build", str(model), "--calibration", str(seen), "--max-batch", "4", *flags]) == 0
    said = capsys.readouterr().out
    assert "kept" in said
    assert f"sightline --set model.backend=tensorrt run VIDEO --model {model}" in said
    (plan,) = (model / "engines").glob("*.plan")
    told = json.loads(plan.with_suffix(".json").read_text())
    assert told["precision"] == precision
    assert told["profile"] == {"least": 1, "best": 4, "most": 4}
    assert told["accuracy"]["kept"] >= 0.9
    assert (told["accuracy"]["truth"], told["accuracy"]["pictures"]) == ("original", 10)
    recognizer = open_recognizer(ModelSettings(path=model, backend="tensorrt", appearance="none"))
    assert recognizer.spec == find_model(model)[1]


def test_half_precision_reaches_the_library_in_the_file(model: Path, seen: Path, gpu: FakeTensorRt) -> None:
    onnx = pytest.importorskip("onnx")
    assert run(["models", "build", str(model), "--fp16", "--calibration", str(seen)]) == 0
    types = {one.data_type for one in onnx.load_from_string(gpu.parsed).graph.initializer}
    assert onnx.TensorProto.FLOAT16 in types


def test_an_engine_that_lost_too_much_is_not_written_unless_forced(
    model: Path, seen: Path, gpu: FakeTensorRt, capsys: pytest.CaptureFixture[str]
) -> None:
    gpu.runs_onnx = False
    before = files(model)
    words = ["models", "build", str(model), "--int8", "--calibration", str(seen)]
    assert run(words) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "own in int8 keeps 0.0% of the original's mean average precision" in said
    assert files(model) == before
    assert gpu.driver is not None
    assert (gpu.driver.live, gpu.driver.contexts) == ({}, 0)
    assert run([*words, "--force"]) == 0
    assert "it lost too much and was kept all the same" in capsys.readouterr().out
    (told,) = (model / "engines").glob("*.json")
    assert json.loads(told.read_text())["accuracy"]["forced"] is True


def test_without_tensorrt_it_says_what_to_install_before_any_work(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    # The folder of pictures is missing too, but is not looked for.
    assert run(["models", "build", str(model), "--int8", "--calibration", "nowhere"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "TensorRT cannot be imported" in said
    assert "On a Jetson" in said
    assert "On a server" in said


def test_a_real_detector_is_measured_against_the_labels_of_its_pictures(tmp_path: Path) -> None:
    write_demo_detector(tmp_path / "demo")
    shown = draw_folder(tmp_path / "shown", 20)
    words = ["models", "build", str(tmp_path / "demo"), "--target", "onnx", "--fp16"]
    assert run([*words, "--calibration", str(shown)]) == 0
    told = json.loads((tmp_path / "demo-fp16" / "1" / "accuracy.json").read_text())
    assert (told["truth"], told["pictures"]) == ("labels", 10)
    assert told["measures"]["map50_95"]["original"] > 0.8
    assert told["kept"] > 0.98


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_smaller_onnx_file_gets_a_folder_of_its_own_with_its_figures(
    model: Path, seen: Path, precision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["models", "build", str(model), "--target", "onnx", f"--{precision}", "--calibration", str(seen)]
    assert run(words) == 0
    new = model.with_name(f"own-{precision}")
    assert f"sightline run VIDEO --model {new}" in capsys.readouterr().out
    assert files(new) == ["1/accuracy.json", "1/model.json", "1/model.onnx", "config.pbtxt"]
    told = json.loads((new / "1" / "accuracy.json").read_text())
    assert told["kept"] >= 0.9
    assert find_model(new)[1] == find_model(model)[1]
    assert [path.name for path in new.parent.iterdir() if path.name.startswith(".")] == []


def test_options_that_do_not_go_together_are_refused(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "build", str(model), "--fp16", "--int8"]) == 1
    assert "exclude each other" in capsys.readouterr().err
    assert run(["models", "build", str(model), "--target", "onnx"]) == 1
    assert "--fp16 or --int8" in capsys.readouterr().err

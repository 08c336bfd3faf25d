import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from sightline.errors import SightlineError
from sightline.vision import repository
from sightline.vision.describe import describe_onnx
from sightline.vision.heads import Head
from sightline.vision.jpeg import encode_jpeg
from sightline.vision.repository import config_text, write_repository
from sightline.vision.serving import ServingOptions, load_served, read_options

NAMES = ('say "cheese"', "Lärm\\n")


@pytest.fixture
def model(make_model: Callable[..., Path]) -> Path:
    output = np.zeros((6, 84), np.float32)
    output[:, 5] = (32, 32, 20, 10, 0.2, 0.8)
    return make_model(output, ("batch", 3, 64, 64), metadata={"names": repr(list(NAMES))})


def parameters(folder: Path) -> dict[str, str]:
    config = model_config_pb2.ModelConfig()
    text_format.Parse((folder / "analyzer" / "config.pbtxt").read_text(), config)
    return {key: value.string_value for key, value in config.parameters.items()}


def test_the_written_config_tells_labels_and_options_whatever_characters_they_have(
    model: Path, tmp_path: Path
) -> None:
    options = ServingOptions(score_threshold=0.25, decode_threads=3)
    spec = describe_onnx(model, Head.YOLOV8)
    folder = write_repository(tmp_path / "repository", model, spec, options, instances=2)
    told = parameters(folder)
    assert json.loads(told["labels"]) == list(NAMES)
    assert told["labels_version"] == spec.labels_version
    assert read_options(told) == options
    assert "count: 2" in (folder / "analyzer" / "config.pbtxt").read_text()


def test_the_committed_config_names_each_option_with_its_default() -> None:
    config = model_config_pb2.ModelConfig()
    text_format.Parse(repository._TEMPLATE.joinpath("config.pbtxt").read_text(), config)
    told = {key: value.string_value for key, value in config.parameters.items()}
    assert {name: told[name] for name in asdict(ServingOptions())} == {
        name: str(value) for name, value in asdict(ServingOptions()).items()
    }
    assert set(told) - set(asdict(ServingOptions())) == {
        "model_dir",
        "sightline_path",
        "labels",
        "labels_version",
    }
    assert config.max_batch_size == 32


def test_the_repository_answers_several_requests_each_padded_to_its_own_maximum(
    model: Path, tmp_path: Path
) -> None:
    spec = describe_onnx(model, Head.YOLOV8)
    folder = write_repository(tmp_path / "repository", model, spec)
    served = load_served(folder / "analyzer", parameters(folder))
    jpeg = encode_jpeg(np.zeros((64, 64, 3), np.uint8))
    first, second, third = served.answer([jpeg, b"x", b"y", jpeg], [2, 1, 1], map)
    assert first["boxes"].tolist() == [[[22, 27, 42, 37]], [[0, 0, 0, 0]]]
    assert first["class_ids"].tolist() == [[1], [0]]
    assert second["status"].tolist() == [[b"no JPEG"]]
    assert second["boxes"].shape == (1, 1, 4)
    assert third["boxes"].tolist() == [[[22, 27, 42, 37]]]
    served.close()


def test_the_repository_brings_all_the_code_it_needs(model: Path, tmp_path: Path) -> None:
    folder = write_repository(tmp_path / "repository", model, describe_onnx(model, Head.YOLOV8))
    program = (
        "import sys; sys.path[:] = [p for p in sys.path if 'site-packages' in p or 'lib/python' in p]\n"
        f"sys.path.insert(0, {str(folder / 'analyzer' / '1' / 'lib')!r})\n"
        "import sightline.vision.serving as s; print(s.__file__, 'tritonclient' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-Ic", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(folder / "analyzer/1/lib/sightline/vision/serving.py"), "False"]


def test_writing_again_replaces_the_model_and_leaves_the_original(model: Path, tmp_path: Path) -> None:
    spec = describe_onnx(model, Head.YOLOV8)
    for _ in range(2):
        folder = write_repository(tmp_path / "repository", model, spec)
    assert (folder / "analyzer" / "1" / "model.onnx").read_bytes() == model.read_bytes()


def test_labels_that_are_not_the_models_are_an_error_when_loading(model: Path, tmp_path: Path) -> None:
    folder = write_repository(tmp_path / "repository", model, describe_onnx(model, Head.YOLOV8))
    with pytest.raises(SightlineError, match="labels in config"):
        load_served(folder / "analyzer", parameters(folder) | {"labels": '["other"]'})


def test_a_missing_model_or_a_folder_that_cannot_be_written_is_an_error(model: Path, tmp_path: Path) -> None:
    spec = describe_onnx(model, Head.YOLOV8)
    with pytest.raises(SightlineError, match="no model at"):
        write_repository(tmp_path, tmp_path / "none.onnx", spec)
    (tmp_path / "file").write_text("")
    with pytest.raises(SightlineError, match="Cannot write"):
        write_repository(tmp_path / "file", model, spec)


def test_the_same_spec_gives_the_same_config(model: Path) -> None:
    spec = describe_onnx(model, Head.YOLOV8)
    assert config_text(spec, ServingOptions()) == config_text(spec, ServingOptions())

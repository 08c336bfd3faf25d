import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from sightline.errors import SightlineError
from sightline.vision.appearance import AppearanceSpec, find_appearance
from sightline.vision.describe import describe_onnx
from sightline.vision.heads import Head
from sightline.vision.jpeg import encode_jpeg
from sightline.vision.model_configs import TEMPLATES, analyzer_config
from sightline.vision.repository import Serving, models_in, write_repository
from sightline.vision.serving import ServingOptions, load_served, read_options
from tests.appearance_network import ATTRIBUTES, expected, write_appearance

NAMES = ('say "cheese"', "Lärm\\n")


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AppearanceSpec]:
    return find_appearance(write_appearance(tmp_path_factory.mktemp("look") / "network"))


@pytest.fixture
def model(make_model: Callable[..., Path]) -> Path:
    output = np.zeros((6, 84), np.float32)
    output[:, 5] = (32, 32, 20, 10, 0.2, 0.8)
    return make_model(output, ("batch", 3, 64, 64), metadata={"names": repr(list(NAMES))})


def config_of(folder: Path, name: str = "analyzer") -> Any:
    config = model_config_pb2.ModelConfig()
    return text_format.Parse((folder / name / "config.pbtxt").read_text(), config)


def parameters(folder: Path) -> dict[str, str]:
    return {key: value.string_value for key, value in config_of(folder).parameters.items()}


def test_the_written_config_tells_labels_and_options_whatever_characters_they_have(
    model: Path, tmp_path: Path
) -> None:
    options = ServingOptions(score_threshold=0.25, decode_threads=3)
    spec = describe_onnx(model, Head.YOLOV8)
    folder = write_repository(tmp_path / "repository", Serving(model, spec, options=options, instances=2))
    told = parameters(folder)
    assert json.loads(told["labels"]) == list(NAMES)
    assert told["labels_version"] == spec.labels_version
    assert read_options(told) == options
    assert "count: 2" in (folder / "analyzer" / "config.pbtxt").read_text()


def test_the_committed_config_names_each_option_with_its_default() -> None:
    config = config_of(TEMPLATES)
    told = {key: value.string_value for key, value in config.parameters.items()}
    assert {name: told[name] for name in asdict(ServingOptions())} == {
        name: str(value) for name, value in asdict(ServingOptions()).items()
    }
    assert set(told) - set(asdict(ServingOptions())) == {
        "appearance_dir",
        "attributes",
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
    folder = write_repository(tmp_path / "repository", Serving(model, spec))
    served = load_served(folder / "analyzer", parameters(folder))
    jpeg = encode_jpeg(np.zeros((64, 64, 3), np.uint8))
    first, second, third = served.answer([jpeg, b"x", b"y", jpeg], [2, 1, 1], map)
    assert first["boxes"].tolist() == [[[22, 27, 42, 37]], [[0, 0, 0, 0]]]
    assert first["class_ids"].tolist() == [[1], [0]]
    assert second["status"].tolist() == [[b"no JPEG"]]
    assert second["boxes"].shape == (1, 1, 4)
    assert third["boxes"].tolist() == [[[22, 27, 42, 37]]]
    served.close()


def test_with_an_appearance_network_its_answers_come_with_the_boxes(
    model: Path, look: tuple[Path, AppearanceSpec], tmp_path: Path
) -> None:
    folder = write_repository(
        tmp_path / "repository", Serving(model, describe_onnx(model, Head.YOLOV8), look)
    )
    told = parameters(folder)
    assert json.loads(told["attributes"]) == list(ATTRIBUTES)
    served = load_served(folder / "analyzer", told)
    image = np.zeros((64, 64, 3), np.uint8)
    image[..., 1] = 200
    bad, good = served.answer([b"x", encode_jpeg(image)], [1, 1], map)
    served.close()
    embedding, probabilities = expected(np.full((16, 16, 3), (0, 200, 0), np.uint8))
    assert (good["embeddings"].dtype, good["embeddings"].shape) == (np.float16, (1, 1, 4))
    assert good["embeddings"][0, 0] == pytest.approx(embedding, abs=0.02)  # the JPEG's colours are not exact
    assert good["probabilities"][0, 0] == pytest.approx(probabilities, abs=1e-3)
    assert not bad["embeddings"].any()
    assert bad["probabilities"].shape == (1, 1, 3)
    with pytest.raises(SightlineError, match="names in config"):
        load_served(folder / "analyzer", told | {"attributes": '["other"]'})


def test_outputs_of_an_appearance_network_are_declared_only_with_one(
    model: Path, look: tuple[Path, AppearanceSpec]
) -> None:
    declared = []
    for appearance in (None, look[1]):
        text = analyzer_config(describe_onnx(model, Head.YOLOV8), appearance, ServingOptions())
        config = text_format.Parse(text, model_config_pb2.ModelConfig())
        declared.append({output.name for output in config.output})
    assert declared[1] - declared[0] == {"embeddings", "probabilities"}


@pytest.mark.parametrize(
    ("networks", "file", "kind", "count"),
    [
        ("python", "model.onnx", "KIND_CPU", 1),
        ("onnxruntime", "model.onnx", "KIND_AUTO", 2),
        ("tensorrt", "model.plan", "KIND_GPU", 2),
    ],
)
def test_networks_that_are_models_of_their_own(
    networks: Any,
    file: str,
    kind: str,
    count: int,
    model: Path,
    look: tuple[Path, AppearanceSpec],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    spec = describe_onnx(model, Head.YOLOV8)
    serving = Serving(model, spec, look, ServingOptions(parallel_runs=3), networks)
    if networks == "tensorrt":
        with pytest.raises(SightlineError, match="no TensorRT engine"):
            write_repository(tmp_path / "repository", serving)
        for onnx in (model, look[0]):
            onnx.with_name("model.plan").write_bytes(b"engine")
            request.addfinalizer(onnx.with_name("model.plan").unlink)
    folder = write_repository(tmp_path / "repository", serving)
    assert models_in(folder) == ["analyzer", "appearance", "detector"]
    assert parameters(folder)["networks"] == "triton"
    assert not list((folder / "analyzer").rglob("*.onnx"))
    for name, batch in (("detector", 32), ("appearance", 128)):
        config = config_of(folder, name)
        assert (config.name, config.backend, config.max_batch_size) == (name, networks, batch)
        assert (folder / name / "1" / file).is_file()
        assert (folder / name / "1" / config.default_model_filename).is_file()
        (group,) = config.instance_group
        assert (type(group).Kind.Name(group.kind), group.count) == (kind, count)
        assert config.dynamic_batching.max_queue_delay_microseconds == 5000
        assert max(config.dynamic_batching.preferred_batch_size) == batch
    detector, appearance = config_of(folder, "detector"), config_of(folder, "appearance")
    assert tensors(detector.input) == {"images": ("TYPE_FP32", [3, 64, 64])}
    assert tensors(detector.output) == {"output0": ("TYPE_FP32", [6, 84])}
    assert tensors(appearance.input) == {"crops": ("TYPE_FP32", [3, 16, 16])}
    assert tensors(appearance.output) == {
        "embedding": ("TYPE_FP32", [4]),
        "probabilities": ("TYPE_FP32", [3]),
    }


def test_an_engine_is_the_only_one_that_was_built_and_the_appearance_network_may_have_none(
    model: Path, look: tuple[Path, AppearanceSpec], tmp_path: Path
) -> None:
    engines = model.parent / "engines"
    engines.mkdir()
    (engines / "fp16-h100.plan").write_bytes(b"fp16")
    serving = Serving(model, describe_onnx(model, Head.YOLOV8), look, networks="tensorrt")
    folder = write_repository(tmp_path / "repository", serving)
    assert (folder / "detector" / "1" / "model.plan").read_bytes() == b"fp16"
    assert config_of(folder, "appearance").backend == "onnxruntime"
    assert (folder / "appearance" / "1" / "model.onnx").is_file()
    (engines / "int8-h100.plan").write_bytes(b"int8")
    with pytest.raises(SightlineError, match="2 TensorRT engines") as refused:
        write_repository(tmp_path / "repository", serving)
    assert "model.plan" in refused.value.fix


def tensors(declared: Any) -> dict[str, tuple[str, list[int]]]:
    return {each.name: (model_config_pb2.DataType.Name(each.data_type), list(each.dims)) for each in declared}


def test_a_repository_that_is_written_again_keeps_no_model_of_before(
    model: Path, look: tuple[Path, AppearanceSpec], tmp_path: Path
) -> None:
    spec = describe_onnx(model, Head.YOLOV8)
    write_repository(tmp_path, Serving(model, spec, look, networks="python"))
    write_repository(tmp_path, Serving(model, spec, networks="python"))
    assert models_in(tmp_path) == ["analyzer", "detector"]
    write_repository(tmp_path, Serving(model, spec))
    assert models_in(tmp_path) == ["analyzer"]


def test_a_detector_of_a_fixed_batch_cannot_be_a_model_that_triton_batches(
    make_model: Callable[..., Path], tmp_path: Path
) -> None:
    fixed = make_model(np.zeros((6, 84), np.float32), metadata={"names": repr(list(NAMES))})
    with pytest.raises(SightlineError, match="fixed to a batch of 1"):
        write_repository(tmp_path, Serving(fixed, describe_onnx(fixed, Head.YOLOV8), networks="onnxruntime"))


def test_networks_of_tritons_own_need_a_triton(model: Path, tmp_path: Path) -> None:
    folder = write_repository(
        tmp_path, Serving(model, describe_onnx(model, Head.YOLOV8), networks="onnxruntime")
    )
    with pytest.raises(SightlineError, match="is no Triton"):
        load_served(folder / "analyzer", parameters(folder))


def test_the_repository_brings_all_the_code_it_needs(model: Path, tmp_path: Path) -> None:
    folder = write_repository(tmp_path / "repository", Serving(model, describe_onnx(model, Head.YOLOV8)))
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
        folder = write_repository(tmp_path / "repository", Serving(model, spec))
    assert (folder / "analyzer" / "1" / "model.onnx").read_bytes() == model.read_bytes()


def test_labels_that_are_not_the_models_are_an_error_when_loading(model: Path, tmp_path: Path) -> None:
    folder = write_repository(tmp_path / "repository", Serving(model, describe_onnx(model, Head.YOLOV8)))
    with pytest.raises(SightlineError, match="names in config"):
        load_served(folder / "analyzer", parameters(folder) | {"labels": '["other"]'})


def test_a_missing_model_or_a_folder_that_cannot_be_written_is_an_error(model: Path, tmp_path: Path) -> None:
    spec = describe_onnx(model, Head.YOLOV8)
    with pytest.raises(SightlineError, match="no model at"):
        write_repository(tmp_path, Serving(tmp_path / "none.onnx", spec))
    (tmp_path / "file").write_text("")
    with pytest.raises(SightlineError, match="Cannot write"):
        write_repository(tmp_path / "file", Serving(model, spec))


def test_the_same_spec_gives_the_same_config(model: Path) -> None:
    spec = describe_onnx(model, Head.YOLOV8)
    assert analyzer_config(spec, None, ServingOptions()) == analyzer_config(spec, None, ServingOptions())

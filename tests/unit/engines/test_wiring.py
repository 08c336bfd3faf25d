"""The setting model.backend reaches the detector at the edge and in the analyzer."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sightline.errors import SightlineError
from sightline.named_models import open_recognizer
from sightline.pipeline.models import serving_of
from sightline.settings import ModelSettings, Settings
from sightline.vision.describe import find_model
from sightline.vision.engines import Accuracy, EngineKey, Measure, file_sha256, save_engine
from sightline.vision.jpeg import encode_jpeg
from sightline.vision.serving import ServingOptions, open_served
from sightline.vision.tensorrt_build import BatchProfile
from tests.unit.engines.fake_tensorrt import FakeTensorRt
from triton_repo.demo_detector import write_demo_detector

PICTURE = np.full((192, 320, 3), 200, np.uint8)


@pytest.fixture
def built(tmp_path: Path, fake: FakeTensorRt) -> Path:
    """A model's folder with an engine for this machine; every picture shows it one object."""
    write_demo_detector(tmp_path)
    onnx = tmp_path / "model.onnx"
    fake.input_shape, fake.output_shapes = (-1, 3, 192, 320), ((-1, 8, 7680),)
    key = EngineKey(
        file_sha256(onnx), fake.__version__, "NVIDIA Fake 9000", (9, 1), "fp16", BatchProfile(1, 2, 2)
    )
    save_engine(onnx, key, fake.plan((1, 2, 2)), Accuracy((Measure("map50_95", 0.5, 0.5),), 10, "labels"))
    return tmp_path


def test_a_gateways_detector_runs_on_the_engine(built: Path, fake: FakeTensorRt) -> None:
    recognizer = open_recognizer(ModelSettings(path=built, backend="tensorrt", appearance="none"))
    (found,) = recognizer.detect([PICTURE])
    assert len(found.scores) == 1
    # The fake engine's score is the mean of its input; ONNX Runtime would find nothing in this picture.
    assert found.scores[0] == pytest.approx(200 / 255, abs=1e-3)
    assert fake.driver is not None
    assert "cuMemcpyHtoDAsync_v2" in fake.driver.calls


def test_a_precision_that_was_not_built_is_an_error(built: Path) -> None:
    with pytest.raises(SightlineError, match="no int8 engine"):
        open_recognizer(ModelSettings(path=built, backend="tensorrt", precision="int8", appearance="none"))


def test_the_analyzer_takes_the_engine_from_the_models_own_folder(
    built: Path, tmp_path: Path, fake: FakeTensorRt
) -> None:
    model = ModelSettings(path=built, backend="tensorrt", appearance="none")
    serving = serving_of(Settings(model=model))
    assert serving.options.engines == str(built / "engines")
    linked = tmp_path / "elsewhere" / "model.onnx"
    linked.parent.mkdir()
    linked.hardlink_to(built / "model.onnx")
    with closing(open_served(linked, find_model(built)[1], None, serving.options)) as served:
        (answer,) = served.answer([encode_jpeg(PICTURE)], [1], map)
    assert answer["count"].tolist() == [[1]]
    with pytest.raises(SightlineError, match="no engine of"):
        open_served(linked, find_model(built)[1], None, replace(serving.options, engines=""))


def test_what_is_no_back_end_or_precision_is_refused() -> None:
    with pytest.raises(SightlineError, match="backend is 'torch'") as caught:
        ServingOptions(backend="torch")
    assert caught.value.fix == "Give onnx or tensorrt."
    with pytest.raises(SightlineError, match="precision is 'int4'"):
        ServingOptions(precision="int4")

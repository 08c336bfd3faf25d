"""An engine is found where it fits, and only there."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from sightline.errors import SightlineError
from sightline.vision import cuda, engines
from sightline.vision.cuda import Gpu
from sightline.vision.engines import (
    Accuracy,
    EngineKey,
    Measure,
    file_sha256,
    find_engine,
    open_engine,
    save_engine,
)
from sightline.vision.heads import Head
from sightline.vision.model import ULTRALYTICS, ModelSpec
from sightline.vision.tensorrt_build import BatchProfile
from tests.unit.engines.fake_cuda import FakeDriver
from tests.unit.engines.fake_tensorrt import FakeTensorRt

GPU = Gpu("Orin (nvgpu)", (8, 7))
ACCURACY = Accuracy((Measure("map50_95", 0.5, 0.48),), 200, "labels")


@pytest.fixture
def onnx(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"an ONNX file")
    return path


def key(onnx: Path) -> EngineKey:
    return EngineKey(file_sha256(onnx), "10.3.0", GPU.name, GPU.capability, "fp16", BatchProfile(1, 8, 8))


def test_an_engine_is_found_again_and_its_description_tells_how_well_it_does(onnx: Path) -> None:
    path = save_engine(onnx, key(onnx), b"plan", ACCURACY)
    assert find_engine(onnx, "10.3.0", GPU) == path
    assert path.read_bytes() == b"plan"
    assert path.name.startswith("fp16-orin-nvgpu-")
    told = json.loads(path.with_suffix(".json").read_text())
    assert told["accuracy"]["kept"] == 0.96
    assert told["accuracy"]["forced"] is False
    assert (told["gpu"], told["tensorrt"], told["profile"]["most"]) == ("Orin (nvgpu)", "10.3.0", 8)
    assert [file for file in path.parent.iterdir() if file.suffix not in (".plan", ".json")] == []


@pytest.mark.parametrize(
    ("version", "gpu"),
    [("10.3.1", GPU), ("10.3.0", Gpu("Orin (nvgpu)", (8, 6))), ("10.3.0", Gpu("Other", (8, 7)))],
)
def test_an_engine_for_another_version_or_gpu_is_not_taken(onnx: Path, version: str, gpu: Gpu) -> None:
    save_engine(onnx, key(onnx), b"plan", ACCURACY)
    with pytest.raises(SightlineError, match=r"no engine of .* for") as caught:
        find_engine(onnx, version, gpu)
    assert f"sightline models build {onnx.parent} --target tensorrt" in caught.value.fix


def test_an_engine_of_a_model_that_has_changed_is_not_taken(onnx: Path) -> None:
    save_engine(onnx, key(onnx), b"plan", ACCURACY)
    onnx.write_bytes(b"trained again")
    with pytest.raises(SightlineError, match="no engine of"):
        find_engine(onnx, "10.3.0", GPU)


def test_every_part_of_the_key_changes_the_name(onnx: Path) -> None:
    first = key(onnx)
    others = [
        replace(first, onnx_sha256="0" * 64),
        replace(first, tensorrt="10.4.0"),
        replace(first, gpu="orin nvgpu"),
        replace(first, capability=(8, 6)),
        replace(first, precision="int8"),
        replace(first, profile=BatchProfile(1, 4, 8)),
    ]
    assert len({one.name for one in (first, *others)}) == 7
    assert key(onnx).name == first.name


def test_the_narrowest_that_was_built_is_taken_unless_another_is_asked_for(onnx: Path) -> None:
    for precision in ("fp32", "int8", "fp16"):
        save_engine(onnx, replace(key(onnx), precision=precision), precision.encode(), ACCURACY)
    assert find_engine(onnx, "10.3.0", GPU).read_bytes() == b"int8"
    assert find_engine(onnx, "10.3.0", GPU, "fp32").read_bytes() == b"fp32"


def test_a_precision_that_was_not_built_is_an_error_that_names_its_option(onnx: Path) -> None:
    save_engine(onnx, key(onnx), b"plan", ACCURACY)
    with pytest.raises(SightlineError, match="no int8 engine") as caught:
        find_engine(onnx, "10.3.0", GPU, "int8")
    assert "--int8" in caught.value.fix


def test_of_two_for_other_batches_the_newer_one_is_taken(onnx: Path) -> None:
    new = save_engine(onnx, key(onnx), b"new", ACCURACY)
    old = save_engine(onnx, replace(key(onnx), profile=BatchProfile(1, 1, 1)), b"old", ACCURACY)
    os.utime(old.with_suffix(".json"), ns=(0, 0))
    assert find_engine(onnx, "10.3.0", GPU) == new


def test_what_is_no_description_and_a_description_without_an_engine_are_passed_over(onnx: Path) -> None:
    path = save_engine(onnx, key(onnx), b"plan", ACCURACY)
    (path.parent / "notes.json").write_text("{")
    (path.parent / "list.json").write_text("[]")
    assert find_engine(onnx, "10.3.0", GPU) == path
    path.unlink()
    with pytest.raises(SightlineError, match="no engine of"):
        find_engine(onnx, "10.3.0", GPU)


def test_a_folder_that_cannot_be_written_is_an_error(onnx: Path) -> None:
    (onnx.parent / "engines").write_text("a file")
    with pytest.raises(SightlineError, match="Cannot keep the engine"):
        save_engine(onnx, key(onnx), b"plan", ACCURACY)


SPEC = ModelSpec(Head.YOLOV8, 64, 32, "images", "output0", ("low", "high"), ULTRALYTICS)


def test_the_engine_of_this_machine_is_opened(onnx: Path, fake: FakeTensorRt) -> None:
    here = replace(key(onnx), gpu="NVIDIA Fake 9000", capability=(9, 1))
    save_engine(onnx, here, fake.plan((1, 8, 8)), ACCURACY)
    with open_engine(onnx, SPEC.signature) as backend:
        assert backend.capabilities.max_batch == 8


def test_without_an_engine_the_gpu_is_given_back(onnx: Path, fake: FakeTensorRt) -> None:
    with pytest.raises(SightlineError, match="no engine of"):
        open_engine(onnx, SPEC.signature)
    assert fake.driver is not None
    assert fake.driver.contexts == 0


def test_without_a_gpu_tensorrt_is_not_touched(
    onnx: Path, fake: FakeTensorRt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real library then gives objects that end the process when they are used."""
    monkeypatch.setattr(cuda, "_load", lambda: FakeDriver(devices=0).library)
    monkeypatch.setattr(engines, "TensorRtBackend", None)
    with pytest.raises(SightlineError, match="No NVIDIA GPU can be used"):
        open_engine(onnx, SPEC.signature)

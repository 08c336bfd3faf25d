"""Engines are built the way that each version of TensorRT wants."""

import sys
from types import SimpleNamespace

import pytest

from sightline.errors import SightlineError
from sightline.vision.heads import Head
from sightline.vision.model import ULTRALYTICS, ModelSpec
from sightline.vision.tensorrt_build import BatchProfile, Precision, build_engine
from sightline.vision.tensorrt_library import import_tensorrt, version_of
from tests.unit.engines.fake_tensorrt import FakeTensorRt

SPEC = ModelSpec(Head.YOLOV8, 64, 32, "images", "output0", ("low", "high"), ULTRALYTICS)
PROFILE = BatchProfile(1, 8, 8)


@pytest.mark.parametrize(
    ("version", "precision", "network", "flags"),
    [
        ("8.6.1", "fp32", 1, []),
        ("8.6.1", "fp16", 1, ["FP16"]),
        ("8.6.1", "int8", 1, ["INT8", "FP16"]),
        ("10.13.0.35", "fp16", 2, []),
        ("10.13.0.35", "int8", 2, []),
        ("11.4.0.106", "fp16", 2, []),
        ("11.4.0.106", "int8", 2, []),
    ],
)
def test_each_version_gets_the_flags_that_it_knows(
    version: str, precision: Precision, network: int, flags: list[str]
) -> None:
    library = FakeTensorRt(version)
    assert build_engine(library, b"onnx", SPEC.signature, PROFILE, precision) == library.plan(
        (1, 8, 8), onnx=""
    )
    assert [call[0] for call in library.calls if call[0] != "flag"] == [
        "create_network",
        "parse",
        "memory",
        "add_profile",
        "build",
    ]
    assert library.calls[0] == ("create_network", network)
    assert library.calls[1] == ("parse", b"onnx")
    assert [call[1] for call in library.calls if call[0] == "flag"] == flags


def test_a_dynamic_input_gets_a_profile_of_batches_of_the_models_own_size() -> None:
    library = FakeTensorRt(input_shape=(-1, 3, -1, -1))
    build_engine(library, b"onnx", SPEC.signature, BatchProfile(1, 4, 16), "fp32")
    (profile,) = [call[1] for call in library.calls if call[0] == "add_profile"]
    assert profile == {"images": ((1, 3, 32, 64), (4, 3, 32, 64), (16, 3, 32, 64))}


def test_a_fixed_input_gets_no_profile() -> None:
    library = FakeTensorRt(input_shape=(1, 3, 32, 64))
    build_engine(library, b"onnx", SPEC.signature, BatchProfile(1, 1, 1), "fp32")
    assert not [call for call in library.calls if call[0] == "add_profile"]


def test_the_profile_of_a_model_of_a_fixed_batch_is_this_batch() -> None:
    fixed = ModelSpec(Head.YOLOV8, 64, 32, "images", "output0", ("a",), ULTRALYTICS, batch=2)
    assert BatchProfile.up_to(32, fixed.signature) == BatchProfile(2, 2, 2)
    assert BatchProfile.up_to(32, SPEC.signature) == BatchProfile(1, 32, 32)


def test_what_the_parser_cannot_read_is_told_in_its_words() -> None:
    library = FakeTensorRt()
    library.parse_errors = ["no importer registered for op: Weird", "and more"]
    with pytest.raises(SightlineError, match="cannot read the model: no importer registered for op: Weird"):
        build_engine(library, b"onnx", SPEC.signature, PROFILE, "fp32")
    assert ("build",) not in library.calls


def test_a_build_that_fails_tells_the_errors_that_were_logged_and_no_warnings() -> None:
    library = FakeTensorRt()
    library.builds = False
    with pytest.raises(SightlineError, match="cannot build an engine: no kernel for node Conv_3") as caught:
        build_engine(library, b"onnx", SPEC.signature, PROFILE, "fp32")
    assert "warning" not in caught.value.what


def test_a_missing_tensorrt_says_what_to_install_on_a_jetson_and_on_a_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(SightlineError, match="TensorRT cannot be imported") as caught:
        import_tensorrt()
    for part in (
        "Jetson",
        "python3-libnvinfer",
        "system-site-packages",
        "sightline[tensorrt]",
        "tensorrt-cu12",
    ):
        assert part in caught.value.fix


@pytest.mark.parametrize(
    ("version", "good"), [("8.5.3.1", False), ("8.6.1", True), ("10.0.1", True), ("12", True)]
)
def test_a_version_without_what_is_used_is_refused(
    monkeypatch: pytest.MonkeyPatch, version: str, good: bool
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__=version))
    if good:
        assert import_tensorrt().__version__ == version
        return
    with pytest.raises(SightlineError, match=r"8\.5\.3\.1 is too old: 8\.6 or newer"):
        import_tensorrt()


def test_versions_are_numbers_and_not_text() -> None:
    assert version_of(SimpleNamespace(__version__="10.13.0.35")) == (10, 13)
    assert version_of(SimpleNamespace(__version__="9")) == (9, 0)


def test_the_real_runtime_has_every_name_that_the_back_end_uses() -> None:
    """Only where TensorRT or its lean runtime is installed; neither needs a GPU to be looked at."""
    try:
        import tensorrt as real
    except ImportError:
        real = pytest.importorskip("tensorrt_lean_bindings", reason="no TensorRT is installed here")
    used = {
        "Runtime": "deserialize_cuda_engine",
        "ICudaEngine": "num_io_tensors get_tensor_name get_tensor_mode get_tensor_shape get_tensor_dtype "
        "get_tensor_profile_shape create_execution_context",
        "IExecutionContext": "set_input_shape get_tensor_shape set_tensor_address execute_async_v3",
        "TensorIOMode": "INPUT OUTPUT",
        "ILogger": "INTERNAL_ERROR ERROR log",
    }
    for name, members in used.items():
        missing = [member for member in members.split() if not hasattr(getattr(real, name), member)]
        assert missing == [], name

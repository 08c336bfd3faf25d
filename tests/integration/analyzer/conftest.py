from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sightline.stack.triton import LocalTriton
from sightline.vision.describe import describe_onnx
from sightline.vision.detector import Detector
from sightline.vision.heads import Head
from sightline.vision.model import MODEL_FILE, ModelSpec
from sightline.vision.onnx_backend import OnnxBackend
from sightline.vision.repository import Serving, write_repository
from triton_repo.demo_detector import write_demo_detector

SHARED = Path(__file__).parents[4] / "shared" / "data"


@dataclass(frozen=True)
class Served:
    """An analyzer in a Triton, and the same detector in this process."""

    url: str
    pid: int
    detector: Detector
    spec: ModelSpec


def serve(folder: Path, onnx_path: Path, spec: ModelSpec) -> Iterator[Served]:
    repository = write_repository(folder / "repository", Serving(onnx_path, spec))
    backend = OnnxBackend(onnx_path, output_names=(spec.output_name,))
    with LocalTriton(repository, ["analyzer"], folder / "triton.log") as triton:
        yield Served(triton.grpc_url, triton.pid, Detector(spec, backend), spec)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("demo")
    spec = write_demo_detector(folder / "model")
    yield from serve(folder, folder / "model" / MODEL_FILE, spec)


@pytest.fixture(scope="module")
def yolox_path() -> Path:
    path = SHARED / "models" / "yolox_nano.onnx"
    if not path.exists() or not video_path().exists():
        pytest.skip(f"no model and video in {SHARED}")
    return path


@pytest.fixture(scope="module")
def yolox(yolox_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("yolox")
    yield from serve(folder, yolox_path, describe_onnx(yolox_path, Head.YOLOX))


@pytest.fixture(scope="module")
def video() -> Path:
    if not video_path().exists():
        pytest.skip(f"no video in {SHARED}")
    return video_path()


def video_path() -> Path:
    return SHARED / "video" / "bridge_traffic.mp4"

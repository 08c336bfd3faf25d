"""One plant for the tests that leave it whole, and what an undisturbed run writes."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from sightline.stack.triton import LocalTriton
from sightline.vision.describe import find_model
from sightline.vision.repository import Serving, write_repository
from tests.faults.plant import Plant
from tests.faults.reference import Reference
from tests.faults.report import Report


@pytest.fixture(scope="session")
def model_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hand-set detector for Triton."""
    folder = tmp_path_factory.mktemp("model")
    subprocess.run([sys.executable, "-m", "triton_repo.demo_detector", str(folder / "model")], check=True)
    onnx, spec = find_model(folder / "model")
    return write_repository(folder / "repository", Serving(onnx, spec))


@pytest.fixture(scope="session")
def plant(tmp_path_factory: pytest.TempPathFactory, model_repository: Path) -> Iterator[Plant]:
    """Kafka, Triton, writer, track and infer workers. A test leaves it as it found it."""
    folder = tmp_path_factory.mktemp("plant")
    triton = LocalTriton(model_repository, ["analyzer"], folder / "triton.log")
    with Plant(folder, triton=triton) as plant:
        for command in ("write", "track", "infer"):
            plant.start(command)
        yield plant


@pytest.fixture(scope="session")
def reference(plant: Plant) -> Reference:
    """What an undisturbed run over the recording writes."""
    return Reference(plant)


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A prefix for stream ids that no other test has."""
    return f"{request.node.name.removeprefix('test_')[:24].strip('_')}{time.time_ns() % 1_000_000}".replace(
        "[", "."
    ).replace("]", "")


@pytest.fixture(scope="session")
def report() -> Report:
    """Takes what was measured, for docs/guarantees.md."""
    return Report()


Streams = Sequence[str]
Check = Callable[[Plant, str, Streams, int], None]

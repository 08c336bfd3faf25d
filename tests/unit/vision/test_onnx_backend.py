"""How batches are cut into runs, with a network that is fast enough to run for real."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sightline.vision.onnx_backend import CPU_RUN_BYTES, OnnxBackend, OnnxOptions
from triton_repo.demo_detector import write_demo_detector

ITEM_BYTES = 3 * 192 * 320 * 4
MOST = CPU_RUN_BYTES // ITEM_BYTES


class Watched:
    """A session that notes how many items each of its runs has."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.runs: list[int] = []

    def run(self, names: list[str] | None, inputs: dict[str, NDArray[Any]]) -> Any:
        self.runs += [len(batch) for batch in inputs.values()]
        return self._session.run(names, inputs)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo_detector(folder)
    return folder / "model.onnx"


def batch_of(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(count).random((count, 3, 192, 320), dtype=np.float32)


@pytest.mark.parametrize("parallel_runs", [1, 3])
def test_no_run_on_the_cpu_is_larger_for_a_larger_batch(model: Path, parallel_runs: int) -> None:
    with OnnxBackend(model, OnnxOptions(parallel_runs=parallel_runs)) as backend:
        backend.session = watched = Watched(backend.session)
        (output,) = backend.infer(batch_of(7))
    assert len(output) == 7
    assert sum(watched.runs) == 7
    assert max(watched.runs) == MOST == 2


def test_the_results_are_those_of_single_runs_in_the_order_of_the_batch(model: Path) -> None:
    batch = batch_of(5)
    with OnnxBackend(model, OnnxOptions(parallel_runs=2)) as backend:
        (together,) = backend.infer(batch)
        alone = [backend.infer(batch[index : index + 1])[0] for index in range(5)]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-4, atol=1e-4)

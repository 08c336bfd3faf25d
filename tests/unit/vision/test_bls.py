"""Our side of calls to other models of the same Triton, with a stand-in for Triton's module."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sightline.errors import SightlineError
from sightline.vision.bls import BlsBackend, NetworkUnavailable


class Tensor:
    def __init__(self, name: str, array: Any) -> None:
        self.name, self._array = name, array

    def as_numpy(self) -> Any:
        return self._array


class FakeUtils:
    """Triton's module: the model doubles what it is given."""

    TRITONSERVER_MEMORY_CPU = 0
    TritonError = SimpleNamespace(INVALID_ARG=1, INTERNAL=2, UNAVAILABLE=3)
    PreferredMemory = staticmethod(lambda kind, device: (kind, device))
    Tensor = Tensor

    def __init__(self, error: tuple[int, str] | None = None) -> None:
        self.error = error
        self.batches: list[int] = []

    def InferenceRequest(self, *, model_name: str, inputs: list[Tensor], **_: Any) -> Any:
        assert (model_name, inputs[0].name) == ("detector", "images")
        return SimpleNamespace(exec=lambda: self._answer(inputs[0].as_numpy()))

    def _answer(self, batch: Any) -> Any:
        self.batches.append(len(batch))
        if self.error is not None:
            code, text = self.error
            error = SimpleNamespace(code=lambda: code, message=lambda: text)
            return SimpleNamespace(has_error=lambda: True, error=lambda: error)
        outputs = {"twice": Tensor("twice", 2 * batch), "same": Tensor("same", batch)}
        return SimpleNamespace(has_error=lambda: False, outputs=outputs)

    @staticmethod
    def get_output_tensor_by_name(response: Any, name: str) -> Tensor:
        return response.outputs[name]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("count", "requests", "sizes"), [(1, 2, [1]), (7, 2, [3, 4]), (7, 1, [7]), (3, 8, [1, 1, 1])]
)
def test_a_batch_goes_out_in_parts_and_comes_back_whole(count: int, requests: int, sizes: list[int]) -> None:
    utils = FakeUtils()
    backend = BlsBackend(utils, "detector", "images", ["same", "twice"], requests)
    batch = np.arange(count * 2, dtype=np.float32).reshape(count, 2)
    same, twice = backend.infer(batch)
    backend.close()
    assert sorted(utils.batches) == sizes
    assert np.array_equal(same, batch)
    assert np.array_equal(twice, 2 * batch)


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (1, "unexpected shape", SightlineError),
        (2, "out of memory", SightlineError),
        (2, "Stub process 'detector' is not healthy.", NetworkUnavailable),
        (3, "no such model", NetworkUnavailable),
    ],
)
def test_a_model_that_is_away_is_told_from_one_that_refuses(code: int, text: str, kind: type) -> None:
    backend = BlsBackend(FakeUtils((code, text)), "detector", "images", ["same"], 2)
    with pytest.raises(kind, match=text):
        backend.infer(np.zeros((4, 2), np.float32))
    backend.close()

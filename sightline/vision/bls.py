"""Networks that are models of the same Triton, called from inside a Python model (business logic scripting).

https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/bls.html
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.backend import Arrays, Capabilities


class NetworkUnavailable(Exception):  # noqa: N818, it is a state to wait out, no fault of a picture
    """The other model is not loaded, full, or lost its process: the same batch may work later."""


class BlsBackend:
    """Runs a Triton model; see `Backend`. Several threads may call `infer` at once.

    A batch goes out as several requests at once, so that all instances of the model work on it. (What Triton
    calls `async_exec` is `exec` in a thread, as here.) The batch is copied once, into the memory that the
    processes of Triton share.
    """

    def __init__(
        self, utils: Any, model: str, input_name: str, outputs: Sequence[str], requests: int
    ) -> None:
        """Name the model; nothing is sent yet.

        Args:
            utils: The module `triton_python_backend_utils`, which only Triton has.
            model: The model's name.
            input_name: Its input tensor's name.
            outputs: The outputs to give, in this order.
            requests: Parts that a batch is cut into, at most.
        """
        self._utils = utils
        self._model = model
        self._input_name = input_name
        self._outputs = list(outputs)
        self._requests = requests
        self._pool = ThreadPoolExecutor(requests, thread_name_prefix=model)

    @property
    def capabilities(self) -> Capabilities:
        """Any batch size up to the one in the model's configuration, which callers keep below."""
        return Capabilities(max_batch=None)

    def infer(self, batch: NDArray[Any]) -> Arrays:
        """Run the model; see `Backend.infer`.

        Raises:
            NetworkUnavailable: It cannot answer now.
            SightlineError: It refuses this batch.
        """
        size = -(-len(batch) // self._requests)
        parts = [batch[start : start + size] for start in range(0, len(batch), size)]
        if len(parts) == 1:
            return self._request(parts[0])
        answers = list(self._pool.map(self._request, parts))
        return tuple(np.concatenate(outputs) for outputs in zip(*answers, strict=True))

    def is_ready(self) -> bool:
        """Tell whether the model takes requests now."""
        return bool(self._utils.is_model_ready(model_name=self._model))

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown()

    def _request(self, part: NDArray[Any]) -> Arrays:
        utils = self._utils
        request = utils.InferenceRequest(
            model_name=self._model,
            requested_output_names=self._outputs,
            inputs=[utils.Tensor(self._input_name, part)],
            preferred_memory=utils.PreferredMemory(utils.TRITONSERVER_MEMORY_CPU, 0),
        )
        response = request.exec()
        if response.has_error():
            raise self._failure(response.error())
        return tuple(utils.get_output_tensor_by_name(response, name).as_numpy() for name in self._outputs)

    def _failure(self, error: Any) -> Exception:
        reason = f"Triton's model {self._model!r}: {error.message()}"
        codes = self._utils.TritonError
        if error.code() in (codes.INVALID_ARG, codes.INTERNAL) and "is not healthy" not in error.message():
            return SightlineError(reason, "Look into Triton's log.")
        return NetworkUnavailable(reason)

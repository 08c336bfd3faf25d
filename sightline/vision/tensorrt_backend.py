"""TensorRT as a back end: named tensors, `execute_async_v3`, and memory that is allocated once.

Written for TensorRT 8.6 to 11. It takes a `Cuda`, so the driver has been asked for a GPU first: without one
TensorRT gives objects that end the process when they are used.
"""

import threading
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.backend import Arrays, Capabilities, Signature
from sightline.vision.cuda import Buffer, Cuda
from sightline.vision.tensorrt_library import make_logger


class TensorRtBackend:
    """Runs an engine. Several threads may call `infer`; they take turns."""

    def __init__(self, library: Any, cuda: Cuda, plan: bytes, signature: Signature, where: str) -> None:
        """Load an engine and allocate memory for its largest batch.

        Args:
            library: The package `tensorrt`.
            cuda: The GPU; it is this back end's from now on.
            plan: The engine as it was built.
            signature: The network's input and outputs.
            where: Names the engine in errors.

        Raises:
            SightlineError: The engine is for another GPU or TensorRT, or is not this network's.
        """
        self._cuda, self._where, self._lock = cuda, where, threading.Lock()
        self._logger = make_logger(library)  # TensorRT keeps no reference of its own
        self._runtime = library.Runtime(self._logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise self._failed("cannot be loaded", "Build it anew on this machine: `sightline models build`.")
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise self._failed("cannot be prepared", "The GPU's memory may be full: end what else uses it.")
        self._check_names(library, signature)
        self._input_name = signature.input_name
        shape = tuple(self._engine.get_tensor_shape(self._input_name))
        self._fixed = shape[0] > 0
        most = shape[0] if self._fixed else self._engine.get_tensor_profile_shape(self._input_name, 0)[2][0]
        self._most = int(most)
        self._input = self._allocate_input(library, signature, shape)
        # TensorRT writes all its outputs, also those that nobody asks for.
        there = {name: self._allocate_output(library, name) for name in self._names(library, "OUTPUT")}
        self._outputs = [there[name] for name in signature.output_names]

    @property
    def capabilities(self) -> Capabilities:
        """At most the batch that the engine was built for."""
        return Capabilities(max_batch=self._most)

    def infer(self, batch: NDArray[Any]) -> Arrays:
        """Run the model; see `Backend.infer`. Gives the outputs that the signature names."""
        count = len(batch)
        if not 1 <= count <= self._most or batch.shape[1:] != self._input.host.shape[1:]:
            raise SightlineError(
                f"The engine {self._where} takes 1 to {self._most} pictures of {self._input.host.shape[1:]}, "
                f"not {batch.shape}."
            )
        with self._lock:
            self._cuda.use()
            np.copyto(self._input.host[:count], batch, casting="same_kind")
            rows = self._most if self._fixed else count
            self._run(rows)
            return tuple(output.host[:count].copy() for output in self._outputs)

    def close(self) -> None:
        """Give back the GPU's memory."""
        with self._lock:
            self._context = self._engine = self._runtime = None
            self._cuda.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _run(self, rows: int) -> None:
        self._cuda.send(self._input, rows)
        if not self._fixed:
            self._set_batch(rows)
        if not self._context.execute_async_v3(self._cuda.stream):
            raise self._failed("cannot run", "Build it anew on this machine: `sightline models build`.")
        for output in self._outputs:
            self._cuda.fetch(output, rows)
        self._cuda.wait()

    def _set_batch(self, rows: int) -> None:
        if not self._context.set_input_shape(self._input_name, (rows, *self._input.host.shape[1:])):
            raise self._failed(f"does not take {rows} pictures", "Build it anew with another --max-batch.")

    def _names(self, library: Any, mode: str) -> list[str]:
        names = [self._engine.get_tensor_name(index) for index in range(self._engine.num_io_tensors)]
        wanted = getattr(library.TensorIOMode, mode)
        return [name for name in names if self._engine.get_tensor_mode(name) == wanted]

    def _check_names(self, library: Any, signature: Signature) -> None:
        inputs, outputs = self._names(library, "INPUT"), self._names(library, "OUTPUT")
        if inputs != [signature.input_name] or not set(signature.output_names) <= set(outputs):
            raise SightlineError(
                f"The engine {self._where} has the inputs {inputs} and outputs {outputs}; the network's "
                f"metadata names {signature.input_name!r} and {list(signature.output_names)}.",
                "Build it anew: `sightline models build`.",
            )

    def _allocate_input(self, library: Any, signature: Signature, shape: tuple[int, ...]) -> Buffer:
        planes = signature.input_shape
        if any(axis not in (-1, side) for axis, side in zip(shape[1:], planes, strict=True)):
            raise SightlineError(
                f"The engine {self._where} takes {shape[1:]}; the network's metadata says {planes}.",
                "Build it anew: `sightline models build`.",
            )
        buffer = self._cuda.buffer((self._most, *planes), self._dtype(library, signature.input_name))
        self._input = buffer
        if not self._fixed:
            self._set_batch(self._most)
        self._context.set_tensor_address(signature.input_name, buffer.device)
        return buffer

    def _allocate_output(self, library: Any, name: str) -> Buffer:
        # With the input's shape set to the largest, this is the largest that the output gets.
        shape = tuple(self._context.get_tensor_shape(name))
        if any(axis < 1 for axis in shape):
            raise SightlineError(
                f"The output {name!r} of the engine {self._where} has no fixed size: {shape}.",
                "Export the model without NMS, or with a fixed number of detections.",
            )
        buffer = self._cuda.buffer(shape, self._dtype(library, name))
        self._context.set_tensor_address(name, buffer.device)
        return buffer

    def _dtype(self, library: Any, name: str) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(library.nptype(self._engine.get_tensor_dtype(name)))
        return dtype

    def _failed(self, what: str, fix: str) -> SightlineError:
        reason = f": {self._logger.problems[-1][:300]}" if self._logger.problems else ""
        return SightlineError(f"The engine {self._where} {what}{reason}.", fix)

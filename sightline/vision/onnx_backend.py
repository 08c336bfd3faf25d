"""ONNX Runtime as a back end, on the CPU or with CUDA."""

import importlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.backend import Arrays, Capabilities

CPU_RUN_BYTES: Final = 2 * 1024 * 1024
"""Input of one run on the CPU, if one item alone is not larger.

ONNX Runtime keeps the memory of its largest run for ever, once per parallel run. With one thread a run,
larger batches are no faster: those whose layers outgrow the caches are slower.
"""


@dataclass(frozen=True)
class OnnxOptions:
    """How ONNX Runtime uses the machine.

    Attributes:
        threads_per_run: Threads that share one run; more give a lower delay for one picture.
        parallel_runs: Parts of a batch that run at the same time; more give a higher throughput per core than
            threads that share a run.
        spin: Let threads that wait for work spin: a little faster alone, and wasteful beside other processes.
        device: Where the model runs.
    """

    threads_per_run: int = 1
    parallel_runs: int = 1
    spin: bool = False
    device: Literal["cpu", "cuda"] = "cpu"


class OnnxBackend:
    """Runs an ONNX file. Several threads may call `infer` at once.

    A batch is cut into parts for the parallel runs, on the CPU into small ones (`CPU_RUN_BYTES`), so that
    memory does not depend on the largest batch that ever came; a model that is fixed to a batch size gets
    parts of this size, the last one filled up with zeros.
    """

    def __init__(
        self, path: Path, options: OnnxOptions | None = None, output_names: Sequence[str] | None = None
    ) -> None:
        """Load the model.

        Args:
            path: The ONNX file.
            options: How to use the machine; None for the defaults.
            output_names: The outputs to give, in this order; None for all of them.

        Raises:
            SightlineError: ONNX Runtime or its CUDA support is missing, or the file is not a model that it
                can run.
        """
        self._options = options or OnnxOptions()
        self._path = path
        self._output_names = None if output_names is None else list(output_names)
        self.session = open_session(path, self._options)
        model_input = self.session.get_inputs()[0]
        self._input_name: str = model_input.name
        first = model_input.shape[0] if model_input.shape else None
        self._fixed_batch = first if isinstance(first, int) and first > 0 else None
        parallel = self._options.parallel_runs
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="onnx") if parallel > 1 else None

    @property
    def capabilities(self) -> Capabilities:
        """Any batch size: what the model does not take at once is run in parts."""
        return Capabilities(max_batch=None)

    def infer(self, batch: NDArray[Any]) -> Arrays:
        """Run the model; see `Backend.infer`."""
        parts = list(self._parts(batch))
        if self._pool is None or len(parts) == 1:
            results = [self._run(part) for part in parts]
        else:
            results = list(self._pool.map(self._run, parts))
        if len(results) == 1:
            return results[0]
        return tuple(np.concatenate(outputs) for outputs in zip(*results, strict=True))

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _parts(self, batch: NDArray[Any]) -> Iterator[NDArray[Any]]:
        size = self._fixed_batch or self._part_size(batch)
        for start in range(0, len(batch), size):
            yield batch[start : start + size]

    def _part_size(self, batch: NDArray[Any]) -> int:
        size = -(-len(batch) // self._options.parallel_runs)
        if self._options.device == "cpu" and len(batch):
            size = min(size, max(1, CPU_RUN_BYTES // batch[:1].nbytes))
        return size

    def _run(self, part: NDArray[Any]) -> Arrays:
        count = len(part)
        if self._fixed_batch is not None and count < self._fixed_batch:
            fill = np.zeros((self._fixed_batch - count, *part.shape[1:]), dtype=part.dtype)
            part = np.concatenate((part, fill))
        outputs = run_session(self._path, self.session, self._output_names, {self._input_name: part})
        return tuple(output[:count] for output in outputs)


def open_session(path: Path, options: OnnxOptions) -> Any:
    """Open an `onnxruntime.InferenceSession`; the library is imported here and nowhere else.

    Raises:
        SightlineError: See `OnnxBackend`.
    """
    runtime = _import_runtime()
    if not path.is_file():
        raise SightlineError(f"There is no model at {path}.", "Give the path of an ONNX file.")
    session_options = runtime.SessionOptions()
    session_options.intra_op_num_threads = options.threads_per_run
    session_options.inter_op_num_threads = 1
    session_options.log_severity_level = 4  # its errors reach us as exceptions, which we tell ourselves
    session_options.add_session_config_entry("session.intra_op.allow_spinning", "1" if options.spin else "0")
    with _model_errors(path):
        return runtime.InferenceSession(str(path), session_options, providers=_providers(runtime, options))


def run_session(
    path: Path, session: Any, output_names: list[str] | None, inputs: dict[str, NDArray[Any]]
) -> list[NDArray[Any]]:
    """Run an open session once.

    Raises:
        SightlineError: The model cannot run these inputs.
    """
    with _model_errors(path):
        outputs: list[NDArray[Any]] = session.run(output_names, inputs)
    return outputs


def _import_runtime() -> Any:
    try:
        return importlib.import_module("onnxruntime")
    except ImportError as error:
        raise SightlineError(
            f"ONNX Runtime cannot be imported: {error}.",
            "Install it with `pip install onnxruntime`, or onnxruntime-gpu for CUDA.",
        ) from error


def _providers(runtime: Any, options: OnnxOptions) -> list[str]:
    if options.device == "cpu":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in runtime.get_available_providers():
        raise SightlineError(
            "The ONNX Runtime that is installed cannot use CUDA.",
            "Install onnxruntime-gpu in place of onnxruntime, or choose the device cpu.",
        )
    return ["CUDAExecutionProvider", "CPUExecutionProvider"]


@contextmanager
def _model_errors(path: Path) -> Iterator[None]:
    """Turn ONNX Runtime's exceptions, which have no common base but Exception, into one clear error."""
    try:
        yield
    except SightlineError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        raise SightlineError(
            f"ONNX Runtime cannot run the model {path}: {reason}.",
            "Check that the file is whole and fits this version of ONNX Runtime.",
        ) from error

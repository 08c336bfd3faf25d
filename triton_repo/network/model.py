"""Triton's `detector` or `appearance` on a processor: ONNX Runtime in the Python backend.

For a Triton without the onnxruntime backend. It has the same name, inputs and outputs as on a GPU.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray


class TritonPythonModel:
    """The class that Triton's Python backend looks for."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Load `model.onnx`, which lies beside this file; called once per instance.

        Raises:
            TritonModelException: It cannot be loaded; the text is what Triton logs.
        """
        config = json.loads(args["model_config"])
        parameters = {key: value["string_value"] for key, value in config["parameters"].items()}
        folder = Path(args["model_repository"])
        # Last, so that the models' own environment keeps its libraries.
        sys.path.append(str((folder / parameters["sightline_path"]).resolve()))
        self._name = args["model_name"]
        self._input = config["input"][0]["name"]
        self._outputs = [output["name"] for output in config["output"]]
        try:
            self._load(folder / args["model_version"] / "model.onnx", parameters)
        except Exception as error:
            reason = f"The model '{self._name}' cannot be loaded: {type(error).__name__}: {error}"
            pb_utils.Logger.log_error(reason)
            raise pb_utils.TritonModelException(reason) from error

    def _load(self, path: Path, parameters: Mapping[str, str]) -> None:
        # Only found once the path is set.
        from sightline.vision.onnx_backend import OnnxBackend, OnnxOptions
        from sightline.vision.server_guard import ServerGuard

        threads, parallel = int(parameters["threads_per_run"]), int(parameters["parallel_runs"])
        self._backend = OnnxBackend(path, OnnxOptions(threads, parallel), self._outputs)
        self._guard = ServerGuard()

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer some requests with one run; if it fails, with one run each, so that one fails alone."""
        batches = [pb_utils.get_input_tensor_by_name(one, self._input).as_numpy() for one in requests]
        try:
            return self._run(batches)
        except Exception:
            return [self._run_alone(batch) for batch in batches]

    def _run(self, batches: Sequence[NDArray[Any]]) -> list[Any]:
        outputs = self._backend.infer(batches[0] if len(batches) == 1 else np.concatenate(batches))
        ends = np.cumsum([len(batch) for batch in batches])[:-1]
        parts = zip(*(np.split(output, ends) for output in outputs), strict=True)
        return [
            pb_utils.InferenceResponse(
                [pb_utils.Tensor(name, array) for name, array in zip(self._outputs, arrays, strict=True)]
            )
            for arrays in parts
        ]

    def _run_alone(self, batch: NDArray[Any]) -> Any:
        try:
            return self._run([batch])[0]
        except Exception as error:  # whatever it is, the server lives on and the client hears of it
            pb_utils.Logger.log_error(f"The model '{self._name}' failed: {type(error).__name__}: {error}")
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(f"{type(error).__name__}: {error}"))

    def finalize(self) -> None:
        """Stop the threads; called once when the model is unloaded."""
        self._guard.release()
        self._backend.close()

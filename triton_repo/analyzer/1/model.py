"""Triton's `analyzer`, for its Python backend: decodes a batch of JPEGs and runs each network once on it.

Everything of substance is in `sightline.vision`; this file speaks Triton.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """The class that Triton's Python backend looks for."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Load the networks that the model's configuration names; called once per instance.

        Raises:
            TritonModelException: It cannot be loaded; the text is what Triton logs.
        """
        config = json.loads(args["model_config"])
        parameters = {key: value["string_value"] for key, value in config.get("parameters", {}).items()}
        folder = Path(args["model_repository"])
        if parameters.get("sightline_path"):
            # Last, so that the models' own environment keeps its libraries.
            sys.path.append(str((folder / parameters["sightline_path"]).resolve()))
        try:
            self._load(folder, parameters)
        except Exception as error:
            reason = f"The model 'analyzer' cannot be loaded: {type(error).__name__}: {error}"
            pb_utils.Logger.log_error(reason)
            raise pb_utils.TritonModelException(reason) from error

    def _load(self, folder: Path, parameters: Mapping[str, str]) -> None:
        # Only found once the path is set.
        from sightline.vision.bls import BlsBackend, NetworkUnavailable
        from sightline.vision.server_guard import ServerGuard
        from sightline.vision.serving import load_served

        self._remote: list[BlsBackend] = []
        self._unavailable = NetworkUnavailable

        def open_remote(model: str, input_name: str, outputs: Sequence[str], requests: int) -> BlsBackend:
            self._remote.append(BlsBackend(pb_utils, model, input_name, outputs, requests))
            return self._remote[-1]

        self._served = load_served(folder, parameters, open_remote)
        self._threads = ThreadPoolExecutor(self._served.decode_threads, thread_name_prefix="jpeg")
        self._guard = ServerGuard()

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer some requests, of one or more JPEGs each; together they are one batch."""
        sizes, jpegs = [], []
        for request in requests:
            items = pb_utils.get_input_tensor_by_name(request, "jpeg").as_numpy().ravel()
            sizes.append(len(items))
            jpegs += [bytes(item) for item in items]
        try:
            # Asked each time: a client that waits for us to be ready waits for the networks too.
            if not all(network.is_ready() for network in self._remote):
                raise self._unavailable("a network of the analyzer is not ready")
            answers = self._served.answer(jpegs, sizes, self._threads.map)
        except self._unavailable as error:
            failure = pb_utils.TritonError(str(error), pb_utils.TritonError.UNAVAILABLE)
            return [pb_utils.InferenceResponse(error=failure) for _ in requests]
        except Exception as error:  # whatever it is, the server lives on and the client hears of it
            pb_utils.Logger.log_error(
                f"The model 'analyzer' failed on a batch: {type(error).__name__}: {error}"
            )
            failure = pb_utils.TritonError(f"{type(error).__name__}: {error}")
            return [pb_utils.InferenceResponse(error=failure) for _ in requests]
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor(name, array) for name, array in answer.items()])
            for answer in answers
        ]

    def finalize(self) -> None:
        """Stop the threads; called once when the model is unloaded."""
        self._guard.release()
        self._threads.shutdown()
        self._served.close()

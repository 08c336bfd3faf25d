"""Triton's `analyzer`, for its Python backend: decodes a batch of JPEGs and runs the detector once on it.

Everything of substance is in `sightline.vision`; this file speaks Triton.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

_GUARD = """
read -r word
[ "$word" = unloaded ] && exit
read -r name < "/proc/$1/comm" && [ "$name" = tritonserver ] && kill -KILL "$1"
"""


def _start_guard(server_pid: int) -> "subprocess.Popen[bytes]":
    """Start a shell that ends the server if this process dies without being unloaded.

    Triton (seen in 2.51; server issue 8604) neither restarts a dead model process nor reports it: it says
    that the model is ready, and fails each request for ever. A server that ends is started again by whoever
    supervises it.
    """
    return subprocess.Popen(["/bin/sh", "-c", _GUARD, "sh", str(server_pid)], stdin=subprocess.PIPE)


class TritonPythonModel:
    """The class that Triton's Python backend looks for."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Load the detector that the model's configuration names; called once per instance.

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
        from sightline.vision.serving import load_served  # only found once the path is set

        self._served = load_served(folder, parameters)
        self._threads = ThreadPoolExecutor(self._served.decode_threads, thread_name_prefix="jpeg")
        self._guard = _start_guard(os.getppid())

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer some requests, of one or more JPEGs each; together they are one batch."""
        sizes, jpegs = [], []
        for request in requests:
            items = pb_utils.get_input_tensor_by_name(request, "jpeg").as_numpy().ravel()
            sizes.append(len(items))
            jpegs += [bytes(item) for item in items]
        try:
            answers = self._served.answer(jpegs, sizes, self._threads.map)
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
        self._guard.communicate(b"unloaded\n")
        self._threads.shutdown()
        self._served.close()

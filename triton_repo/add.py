"""`sightline models add`: make a model folder from an ONNX file that somebody else exported."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightline.errors import SightlineError
from sightline.vision.describe import describe_onnx
from sightline.vision.heads import Head, InputSize
from sightline.vision.model import ModelSpec
from sightline.vision.model_configs import TensorForm
from sightline.vision.onnx_backend import OnnxBackend
from triton_repo.model_folder import detector_contents, model_folder
from triton_repo.onnx_files import load_onnx

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    Attributes:
        path: The ONNX file.
        head: Its output layout.
        to: The folder that gets the model's folder.
        name: The model's name; None for the file's.
        labels: As for `describe_onnx`.
        input_size: As for `describe_onnx`.
        output_name: As for `describe_onnx`.
        replace: Write over a model of this name.
    """

    path: Path
    head: Head
    to: Path
    name: str | None = None
    labels: str | None = None
    input_size: InputSize | None = None
    output_name: str | None = None
    replace: bool = False


@dataclass(frozen=True)
class Added:
    """What was found and written.

    Attributes:
        folder: The model's folder as Triton wants it: `config.pbtxt`, `1/model.onnx`, `1/model.json`.
        spec: What the model is.
        output_shape: The shape of its output for one batch.
        output_dtype: The output's type.
        run_ms: How long one batch takes here on one thread, milliseconds.
        megabytes: The size of the ONNX file.
    """

    folder: Path
    spec: ModelSpec
    output_shape: tuple[int, ...]
    output_dtype: str
    run_ms: float
    megabytes: float


def add_model(request: Request) -> Added:
    """Check an ONNX file against its head, run it, and write its model folder, whole or not at all.

    Raises:
        SightlineError: It is no ONNX file or does not fit its head, or the folder cannot be written.
    """
    name = request.path.stem if request.name is None else request.name
    if not _NAME.fullmatch(name):
        raise SightlineError(
            f"{name!r} is no name for a model.",
            "Give one with --name: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or a number.",
        )
    target = request.to / name
    if target.exists() and not request.replace:
        raise SightlineError(
            f"There is a model {target} already.", "Give another --name, or --replace to write over it."
        )
    model = load_onnx(request.path)
    spec = describe_onnx(request.path, request.head, request.labels, request.output_name, request.input_size)
    shape, dtype, run_ms = _run_once(request.path, spec)
    data = model.SerializeToString()
    contents = detector_contents(target.name, data, spec, TensorForm(shape[1:], dtype))
    with model_folder(target, contents):
        pass
    return Added(target, spec, shape, dtype, run_ms, len(data) / 1e6)


def _run_once(path: Path, spec: ModelSpec) -> tuple[tuple[int, ...], str, float]:
    """Output shape, its dtype, and milliseconds for a black batch; the second run counts, the first warms."""
    backend = OnnxBackend(path, output_names=(spec.output_name,))
    batch = np.zeros((spec.batch or 1, *spec.signature.input_shape), dtype=spec.dtype)
    backend.infer(batch)
    started = time.perf_counter()
    (output,) = backend.infer(batch)
    return output.shape, str(output.dtype), (time.perf_counter() - started) * 1e3

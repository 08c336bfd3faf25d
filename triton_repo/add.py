"""`sightline models add`: make a model folder from an ONNX file that somebody else exported."""

import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.describe import Asked, examine_onnx
from sightline.vision.exporter_metadata import check_told
from sightline.vision.heads import Head, InputSize
from sightline.vision.model import MODEL_FILE, ModelSpec, default_preprocessing
from sightline.vision.model_configs import TensorForm
from sightline.vision.model_input import ModelInput, picture_input, takes_many
from sightline.vision.onnx_backend import OnnxBackend, OnnxOptions, open_session, run_session
from sightline.vision.output_checks import Findings
from triton_repo.model_folder import detector_contents, model_folder
from triton_repo.onnx_files import load_onnx
from triton_repo.plain_graph import (
    REWRITTEN,
    check_parts,
    check_rows,
    extra_inputs,
    find_parts,
    head_of,
    is_plain,
    with_batch_of_one,
    with_plain_ends,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    Attributes:
        path: The ONNX file.
        head: Its output layout; None for what its exporter says.
        to: The folder that gets the model's folder.
        name: The model's name; None for the file's.
        labels: As in `Asked`.
        input_size: As in `Asked`.
        output_name: As in `Asked`.
        replace: Write over a model of this name.
    """

    path: Path
    head: Head | None
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
        findings: What it gave for the trial pictures.
        rewritten: Whether its inputs or outputs were put in order.
        output_shape: The shape of its output for one batch.
        output_dtype: The output's type.
        run_ms: How long one batch takes here on one thread, milliseconds.
        megabytes: The size of the ONNX file.
    """

    folder: Path
    spec: ModelSpec
    findings: Findings
    rewritten: bool
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
    check_target(target, replace=request.replace)
    model = load_onnx(request.path)
    asked = Asked(request.head, request.labels, request.output_name, request.input_size)
    with tempfile.TemporaryDirectory(prefix="sightline-add-") as scratch:
        plain, asked = _put_in_order(request.path, model, asked)
        file = request.path
        if plain is not model:
            file = Path(scratch, MODEL_FILE)
            file.write_bytes(plain.SerializeToString())
        examined = examine_onnx(request.path, asked, file)
        spec = examined.spec
        shape, dtype, run_ms = _run_once(file, spec)
    data = plain.SerializeToString()
    contents = detector_contents(target.name, data, spec, TensorForm(shape[1:], dtype))
    with model_folder(target, contents):
        pass
    return Added(target, spec, examined.findings, plain is not model, shape, dtype, run_ms, len(data) / 1e6)


def check_target(target: Path, *, replace: bool) -> None:
    """Refuse to write over a model that is not to be replaced; raises SightlineError."""
    if target.exists() and not replace:
        raise SightlineError(
            f"There is a model {target} already.",
            "Take it as it is; or give another folder with --to, or --replace to write over it.",
        )


def _put_in_order(path: Path, model: Any, asked: Asked) -> tuple[Any, Asked]:
    """The model with one input and one output, and what it is then; the same ones if it has no others."""
    session = open_session(path, OnnxOptions())
    head, metadata = asked.head, dict(session.get_modelmeta().custom_metadata_map)
    if head not in REWRITTEN or asked.output_name is not None or is_plain(session, head):
        if len(session.get_inputs()) > 1:
            return model, asked  # which is refused
        pictures = picture_input(path, session, metadata, asked.input_size)
        names = [asked.output_name or session.get_outputs()[0].name]
        return (model if takes_many(session, pictures, names) else with_batch_of_one(model, pictures)), asked
    check_told(path, metadata, head)
    pictures = picture_input(path, session, metadata, asked.input_size)
    extras = extra_inputs(path, session, pictures)
    outputs = _run_all(path, session, pictures, extras)
    parts = None
    if head is Head.NMS:
        check_rows(path, outputs, pictures.size)
    elif len(outputs) > 1:
        whole = [name for name, output in outputs.items() if output.dtype.kind in "iu"]
        parts = find_parts(path, head, {name: output.shape for name, output in outputs.items()}, whole)
        check_parts(path, head, parts)
    if parts is not None and not takes_many(session, pictures, list(outputs), extras):
        model = with_batch_of_one(model, pictures)
    plain = with_plain_ends(model, pictures, extras, parts)
    feed = default_preprocessing(head)
    return plain, replace(asked, head=head_of(head, parts), preprocessing=feed)


def _run_all(
    path: Path, session: Any, pictures: ModelInput, extras: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """All outputs for a black picture: shapes in the file may be unknown or symbolic."""
    names = [one.name for one in session.get_outputs()]
    blank = np.zeros((pictures.batch or 1, *pictures.planes), pictures.dtype)
    found = run_session(path, session, names, {pictures.name: blank, **extras})
    return dict(zip(names, found, strict=True))


def _run_once(path: Path, spec: ModelSpec) -> tuple[tuple[int, ...], str, float]:
    """Output shape, its dtype, and milliseconds for a black batch; the second run counts, the first warms."""
    backend = OnnxBackend(path, output_names=(spec.output_name,))
    batch = np.zeros((spec.batch or 1, *spec.signature.input_shape), dtype=spec.dtype)
    backend.infer(batch)
    started = time.perf_counter()
    (output,) = backend.infer(batch)
    return output.shape, str(output.dtype), (time.perf_counter() - started) * 1e3

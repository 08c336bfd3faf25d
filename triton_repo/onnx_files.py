"""Reads ONNX files as their users have them: with weights in other files, or not ONNX at all."""

from pathlib import Path, PurePosixPath
from typing import Any

from sightline.errors import SightlineError

MAX_BYTES = 2**31 - 1
"""Protocol buffers, which ONNX is written in, end here."""

_OTHER_KINDS = {
    ".pt": "Export it first: `yolo export model={name} format=onnx`.",
    ".pth": "Export it to ONNX first, with the project that trained it.",
    ".engine": "A TensorRT engine runs on one kind of GPU only: give the ONNX file that it was built from.",
    ".plan": "A TensorRT engine runs on one kind of GPU only: give the ONNX file that it was built from.",
    ".tflite": "Export it to ONNX first, with the project that trained it.",
}


def load_onnx(path: Path) -> Any:
    """Read an `onnx.ModelProto` with all its weights in it.

    Args:
        path: The file; weights that are kept outside lie in files beside it.

    Raises:
        SightlineError: The package onnx is missing; the file is missing, cannot be read, or is no ONNX; or
            a file with its weights is missing, lies elsewhere, or makes the model larger than `MAX_BYTES`.
    """
    onnx = import_onnx()
    if path.is_dir() or not path.exists():
        raise SightlineError(f"There is no file {path}.", "Give the path of an ONNX file.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SightlineError(
            f"Cannot read {path}: {error.strerror}.", "Check the rights of the file and its folder."
        ) from error
    model = _parse(onnx, path, data)
    sizes = [_external_size(path, tensor) for tensor in _external(onnx, model)]
    if len(data) + sum(sizes) > MAX_BYTES:
        raise SightlineError(
            f"The model {path} is larger than 2 GiB with its weights.", "Give a smaller one."
        )
    if sizes:
        onnx.load_external_data_for_model(model, str(path.parent))
    return model


def import_onnx() -> Any:
    """The package onnx, a tool for whoever changes models; running them does not need it."""
    try:
        import onnx
    except ImportError as error:
        raise SightlineError(
            "The package onnx, which reads and writes models, is missing.",
            "Install it with `pip install 'sightline[local]'`.",
        ) from error
    return onnx


def _parse(onnx: Any, path: Path, data: bytes) -> Any:
    try:
        model = onnx.load_model_from_string(data)
        whole = bool(model.graph.node) and bool(model.graph.output)
    except Exception:  # protobuf's DecodeError, of whichever protobuf onnx has
        whole = False
    if not whole:
        hint = _OTHER_KINDS.get(path.suffix.lower(), "Check that it is whole, and exported to ONNX.")
        raise SightlineError(f"{path} is not an ONNX model.", hint.format(name=path.name))
    return model


def _external(onnx: Any, model: Any) -> list[Any]:
    return [one for one in model.graph.initializer if one.data_location == onnx.TensorProto.EXTERNAL]


def _external_size(path: Path, tensor: Any) -> int:
    """How many bytes a tensor has outside; each part is checked to be there, and beside the model."""
    told = {entry.key: entry.value for entry in tensor.external_data}
    place = PurePosixPath(told.get("location", ""))
    if not place.name or place.is_absolute() or ".." in place.parts:
        raise SightlineError(
            f"The weights of {path} are said to lie in {str(place)!r}, outside its folder.",
            "Export the model anew, with its weights inside or beside it.",
        )
    file = path.parent / place
    if not file.is_file():
        raise SightlineError(
            f"The weights of {path} are in {file}, which is missing.",
            "Put this file beside the model, or export the model with its weights inside.",
        )
    return int(told.get("length") or file.stat().st_size)

"""Find out what an ONNX detector is, and check that it is what its user says."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.head_checks import check_scores, count_classes
from sightline.vision.heads import Head, InputSize
from sightline.vision.labels import COCO_LABELS, check_labels, read_labels
from sightline.vision.model import (
    SPEC_FILE,
    Dtype,
    Layout,
    ModelSpec,
    default_preprocessing,
    load_spec,
    model_file,
)
from sightline.vision.onnx_backend import OnnxOptions, open_session, run_session

DEFAULT_SIZE_PX = 640
"""The input size of a model that takes any and says nothing: what most exporters train with."""

_DTYPES: Mapping[str, Dtype] = {"tensor(float)": "float32", "tensor(float16)": "float16"}


@dataclass(frozen=True)
class _Input:
    name: str
    layout: Layout
    dtype: Dtype
    batch: int | None
    size: InputSize


def describe_onnx(
    path: Path,
    head: Head,
    labels: str | None = None,
    output_name: str | None = None,
    input_size: InputSize | None = None,
) -> ModelSpec:
    """Inspect an ONNX file, run it once on an empty picture, and check it against its declared head.

    Class names come from `labels`, else from the file's metadata (key `names`, as Ultralytics writes it),
    else they are COCO's if the model has 80 classes. The size of an input with dynamic axes comes from
    `input_size`, else from the metadata (key `imgsz`), else it is 640x640.

    Args:
        path: The ONNX file.
        head: Its output layout.
        labels: `coco`, or the path of a file with one class name a line.
        output_name: Which output holds the detections, for a model with several.
        input_size: The input size to use for a model with dynamic axes.

    Raises:
        SightlineError: The model cannot be loaded or run, or does not fit; says what was expected and found.
    """
    session = open_session(path, OnnxOptions())
    metadata = dict(session.get_modelmeta().custom_metadata_map)
    _check_task(path, metadata)
    model_input = _inspect_input(path, session, metadata, input_size)
    output = _choose_output(path, session, output_name)
    result = _probe(path, session, model_input, output)
    classes = count_classes(path, head, result.shape, model_input.size)
    names = _names(path, labels, metadata, classes)
    check_scores(path, head, result)
    return ModelSpec(
        head=head,
        width=model_input.size.width,
        height=model_input.size.height,
        input_name=model_input.name,
        output_name=output,
        labels=names,
        preprocessing=default_preprocessing(head),
        batch=model_input.batch,
        layout=model_input.layout,
        dtype=model_input.dtype,
    )


def _check_task(path: Path, metadata: Mapping[str, str]) -> None:
    task = metadata.get("task", "detect")
    if task != "detect":
        raise SightlineError(
            f"The model {path} is made for the task {task!r}, not for detection.", "Export a detection model."
        )


def _inspect_input(
    path: Path, session: Any, metadata: Mapping[str, str], input_size: InputSize | None
) -> _Input:
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise SightlineError(
            f"The model {path} has {len(inputs)} inputs ({', '.join(one.name for one in inputs)}); "
            "a detector has one, the pictures.",
            "Export the model with the others set to constants.",
        )
    (found,) = inputs
    dtype = _DTYPES.get(found.type)
    if dtype is None:
        raise SightlineError(
            f"The input {found.name!r} of {path} is {found.type}; expected float32 or float16.",
            "Export the model with a float input.",
        )
    shape = [axis if isinstance(axis, int) and axis > 0 else None for axis in found.shape]
    if len(shape) != 4 or 3 not in (shape[1], shape[3]):
        raise SightlineError(
            f"The input {found.name!r} of {path} has the shape {found.shape}; expected 4 axes, with 3 "
            "channels in the second (NCHW) or in the last (NHWC).",
            "Export the model with such an input.",
        )
    layout: Layout = "NCHW" if shape[1] == 3 else "NHWC"
    height, width = shape[2:] if layout == "NCHW" else shape[1:3]
    size = input_size or _metadata_size(metadata) or InputSize(DEFAULT_SIZE_PX, DEFAULT_SIZE_PX)
    if input_size is not None and ((width or size.width), (height or size.height)) != (
        size.width,
        size.height,
    ):
        raise SightlineError(
            f"The input of {path} is fixed to {width}x{height}, not {size.width}x{size.height}.",
            "Leave the input size out.",
        )
    return _Input(found.name, layout, dtype, shape[0], InputSize(width or size.width, height or size.height))


def _metadata_size(metadata: Mapping[str, str]) -> InputSize | None:
    """Read Ultralytics' `imgsz`: `[height, width]` or one number."""
    value = _literal(metadata.get("imgsz", ""))
    if isinstance(value, int) and value > 0:
        return InputSize(value, value)
    if (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(side, int) and side > 0 for side in value)
    ):
        return InputSize(value[1], value[0])
    return None


def _choose_output(path: Path, session: Any, output_name: str | None) -> str:
    names = [output.name for output in session.get_outputs()]
    if output_name is None and len(names) == 1:
        return str(names[0])
    if output_name in names:
        return str(output_name)
    if output_name is None:
        # A mask's prototypes are the one output with four axes that a detector's exporters write.
        masks = any(len(output.shape or ()) == 4 for output in session.get_outputs())
        raise SightlineError(
            f"The model {path} has {len(names)} outputs ({', '.join(names)}); expected one"
            + (", and one of them looks like the masks of a segmentation model." if masks else "."),
            "Export a detection model."
            if masks
            else "Name the output that holds the detections, or export the model with this output alone.",
        )
    raise SightlineError(f"The model {path} has no output {output_name!r}; it has {', '.join(names)}.")


def _probe(path: Path, session: Any, model_input: _Input, output: str) -> NDArray[Any]:
    """Run the model once on a black picture: shapes in the file may be unknown, wrong or symbolic."""
    size = model_input.size
    planes = (3, size.height, size.width) if model_input.layout == "NCHW" else (size.height, size.width, 3)
    batch = np.zeros((model_input.batch or 1, *planes), dtype=model_input.dtype)
    try:
        result: NDArray[Any] = run_session(path, session, [output], {model_input.name: batch})[0]
    except SightlineError as error:
        raise SightlineError(
            f"A picture of {size.width}x{size.height} cannot be run: {error.what}",
            f"Give the input size that the model was trained with. {error.fix}",
        ) from error
    if result.dtype not in (np.float32, np.float16):
        raise SightlineError(
            f"The output {output!r} of {path} is {result.dtype}; expected float32 or float16.",
            "Export the model with a float output.",
        )
    return result


def _names(
    path: Path, labels: str | None, metadata: Mapping[str, str], classes: int | None
) -> tuple[str, ...]:
    if labels is not None:
        names, source = read_labels(labels), f"the labels {labels!r}"
    elif "names" in metadata:
        names, source = _metadata_names(path, metadata["names"]), "the file's metadata"
    elif classes == len(COCO_LABELS):
        return COCO_LABELS
    else:
        count = "an unknown number of" if classes is None else str(classes)
        raise SightlineError(
            f"The model {path} has {count} classes and no names for them.",
            "Give a labels file with one class name a line, or coco.",
        )
    if classes is not None and len(names) != classes:
        raise SightlineError(
            f"The model {path} has {classes} classes, but {source} name {len(names)}.",
            "Give the labels that the model was trained with. If these are they, its output holds more than "
            "boxes and classes (masks, key points, angles): export a detection model.",
        )
    return names


def _metadata_names(path: Path, text: str) -> tuple[str, ...]:
    """Read Ultralytics' `names`: a Python mapping from id to name, or a list."""
    value = _literal(text)
    if isinstance(value, dict) and sorted(value, key=str) == sorted(range(len(value)), key=str):
        value = [value[index] for index in range(len(value))]
    if not isinstance(value, list) or not value:
        raise SightlineError(
            f"The class names in the metadata of {path} cannot be read: {text[:80]!r}.",
            "Give a labels file with one class name a line.",
        )
    return check_labels([str(name) for name in value], f"The metadata of {path}")


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def find_model(path: Path, head: Head | None = None, labels: str | None = None) -> tuple[Path, ModelSpec]:
    """Find a detector's ONNX file and say what it is.

    Args:
        path: An ONNX file, or a folder as `model_file` takes.
        head: Its output layout; None to take it and all else from the `model.json` beside it.
        labels: As for `describe_onnx`; only with a head.

    Returns:
        The ONNX file, and its spec.

    Raises:
        SightlineError: As `describe_onnx` and `load_spec`; or nobody says what its head is.
    """
    file = model_file(path)
    if not file.is_file():
        raise SightlineError(f"There is no model at {file}.", "Give the path of an ONNX file.")
    if head is not None:
        return file, describe_onnx(file, head, labels)
    if not (file.parent / SPEC_FILE).is_file():
        raise SightlineError(
            f"Nothing says what kind of detector {file} is.",
            f"Give --head (model.head): {', '.join(Head)}; or put a {SPEC_FILE} beside it.",
        )
    return file, load_spec(file.parent)

"""What an exporter wrote into an ONNX file about the model: its head, input size and class names.

The keys are those of Ultralytics, the one exporter that says what it exported.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.errors import SightlineError
from sightline.vision.heads import Head, InputSize
from sightline.vision.labels import check_labels

Metadata = Mapping[str, str]

_TRANSFORMER_HEADS = ("rtdetr", "rt-detr")


@dataclass(frozen=True)
class TellsHead:
    """What the metadata say about the head.

    Attributes:
        words: What they say, for people.
        heads: The heads that this can be; more than one where the output's shape decides.
    """

    words: str
    heads: tuple[Head, ...]


def check_task(path: Path, metadata: Metadata) -> None:
    """Refuse what is made for another task than detection; raises SightlineError."""
    task = metadata.get("task") or "detect"
    if task != "detect":
        raise SightlineError(
            f"The model {path} is made for the task {task!r}, not for detection.", "Export a detection model."
        )


def told_heads(metadata: Metadata) -> TellsHead | None:
    """Read what the exporter says of the head; None if it says nothing.

    Ultralytics writes a description (`Ultralytics YOLO11n model …`), lately the class of the head, the
    arguments of the export, and whether the graph ends in final boxes. RT-DETR gives a score for each
    class, or (as of 8.4.190) the best class of each query, which its numbers tell.
    """
    description = metadata.get("description", "").strip()
    if "ultralytics" not in f"{description} {metadata.get('author', '')}".lower():
        return None
    kind = f"{description} {metadata.get('head', '')}".lower()
    words = description or f"author {metadata['author']}"
    if any(name in kind for name in _TRANSFORMER_HEADS):
        return TellsHead(words, (Head.RTDETR,))
    arguments = _literal(metadata.get("args", ""))
    nms = isinstance(arguments, dict) and arguments.get("nms") is True
    if nms or metadata.get("end2end", "").lower() == "true":
        return TellsHead(f"{words}{', nms=True' if nms else ', end2end=True'}", (Head.END2END,))
    return TellsHead(words, (Head.YOLOV8, Head.END2END))


def told_head(metadata: Metadata, shape: tuple[int, ...]) -> Head | None:
    """The one head that fits what the exporter says and an output of this shape, batch included."""
    told = told_heads(metadata)
    if told is None:
        return None
    if len(told.heads) == 1:
        return told.heads[0]
    return Head.END2END if len(shape) == 3 and shape[2] == 6 and shape[1] > 6 else Head.YOLOV8


def check_told(path: Path, metadata: Metadata, head: Head) -> None:
    """Refuse a head that contradicts what the exporter says of the model.

    Raises:
        SightlineError: It does.
    """
    told = told_heads(metadata)
    allowed = set() if told is None else set(told.heads)
    if Head.RTDETR in allowed:
        allowed.add(Head.END2END_XYWH)  # what its later versions give
    if told is None or head in allowed:
        return
    right = " or ".join(one.value for one in told.heads)
    raise SightlineError(
        f"The metadata of {path} say {told.words!r}, so its head is {right}, not {head.value}.",
        "Leave --head out, or give this one.",
    )


def told_size(metadata: Metadata) -> InputSize | None:
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


def told_names(path: Path, metadata: Metadata) -> tuple[str, ...] | None:
    """Read Ultralytics' `names`: a Python mapping from id to name, or a list; None if there are none.

    Raises:
        SightlineError: They cannot be used.
    """
    text = metadata.get("names")
    if text is None:
        return None
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

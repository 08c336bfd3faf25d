"""Check what a detector gives against the head that its user says it has.

The head is told by the user and checked; it is never guessed from a shape, since two layouts can have the
same shape and then give plausible nonsense.
"""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.heads import Head, InputSize, anchor_count

_LAYOUTS = {
    Head.YOLOV8: "(batch, 4 + classes, anchors)",
    Head.YOLOV5: "(batch, anchors, 5 + classes), with 3 anchors per grid cell",
    Head.YOLOX: "(batch, anchors, 5 + classes), with 1 anchor per grid cell",
    Head.END2END: "(batch, detections, 6)",
}


def count_classes(path: Path, head: Head, shape: tuple[int, ...], size: InputSize) -> int | None:
    """Check an output's shape against its head.

    Args:
        path: The model, for errors.
        head: The head that the user names.
        shape: The output's shape, the batch axis included.
        size: The input's size, which decides how many anchors there are.

    Returns:
        The number of classes, or None if the shape does not tell.

    Raises:
        SightlineError: The shape does not fit; says what was expected and what was found.
    """
    problem = _shape_problem(head, shape, size)
    if problem:
        raise SightlineError(
            f"The output of {path} has the shape {shape}, but head {head.value} means {_LAYOUTS[head]}: "
            f"{problem}.",
            "Give the head that the model was exported with: " + ", ".join(one.value for one in Head) + ".",
        )
    if head is Head.END2END:
        return None
    return shape[1] - 4 if head is Head.YOLOV8 else shape[2] - 5


def _shape_problem(head: Head, shape: tuple[int, ...], size: InputSize) -> str:
    if len(shape) != 3:
        return f"expected 3 axes, found {len(shape)}"
    _, first, second = shape
    cells = anchor_count(size)
    if head is Head.YOLOV8:
        if first > second:
            return f"{first} classes and more for {second} anchors, so the axes look swapped"
        return "" if first > 4 else f"expected more than 4 values per anchor, found {first}, so zero classes"
    if head is Head.END2END:
        return "" if second == 6 else f"expected 6 values per detection, found {second}"
    if second <= 5:
        return f"expected more than 5 values per anchor, found {second}, so zero classes"
    if head is Head.YOLOX and first != cells:
        return f"expected {cells} anchors for an input of {size.width}x{size.height}, found {first}"
    if head is Head.YOLOV5 and (first == cells or first < 3):
        return f"expected {3 * cells} anchors for an input of {size.width}x{size.height}, found {first}"
    return ""


def check_scores(path: Path, head: Head, output: NDArray[Any]) -> None:
    """Refuse raw scores: a sigmoid that is missing would make everything a detection.

    Args:
        path: The model, for errors.
        head: Its head.
        output: The output for a black picture, which has passed `count_classes`.

    Raises:
        SightlineError: A score is not within 0 to 1.
    """
    scores = {
        Head.YOLOV8: output[:, 4:],
        Head.YOLOV5: output[:, :, 4:],
        Head.YOLOX: output[:, :, 4:],
        Head.END2END: output[:, :, 4],
    }[head]
    low, high = float(scores.min(initial=0.0)), float(scores.max(initial=0.0))
    if not (low >= -1e-3 and high <= 1 + 1e-3):
        raise SightlineError(
            f"The scores of {path} run from {low:.3g} to {high:.3g} on a black picture; expected 0 to 1 for "
            f"head {head.value}.",
            "Export the model with its sigmoid, or give the head that it was exported with.",
        )

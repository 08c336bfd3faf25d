"""Check the shape of what a detector gives against the head that it is said to have.

The head is told by the user, or by the exporter in the file, and checked; it is never guessed from a shape,
since two layouts can have the same shape and then give plausible nonsense. `output_checks` looks at the
numbers.
"""

from itertools import combinations
from pathlib import Path
from typing import Final

from sightline.errors import SightlineError
from sightline.vision.heads import FINAL_BOXES, SET_PREDICTIONS, Head, InputSize, anchor_count

LAYOUTS: Final = {
    Head.YOLOV8: "(batch, 4 + classes, anchors)",
    Head.YOLOV5: "(batch, anchors, 5 + classes), with 3 anchors per grid cell",
    Head.YOLOV6: "(batch, anchors, 5 + classes), with 1 anchor per grid cell",
    Head.YOLOX: "(batch, anchors, 5 + classes), with 1 anchor per grid cell",
    Head.YOLOX_DECODED: "(batch, anchors, 5 + classes), with 1 anchor per grid cell",
    Head.END2END: "(batch, detections, 6)",
    Head.END2END_XYWH: "(batch, detections, 6)",
    Head.NMS: "(detections, 7)",
    Head.RTDETR: "(batch, queries, 4 + classes)",
    Head.DETR: "(batch, queries, 4 + classes + 1)",
}

_STRIDES_PX: Final = (4, 8, 16, 32, 64, 128)
_MOST_QUERIES: Final = 1000
_ONE_A_CELL: Final = (Head.YOLOV6, Head.YOLOX, Head.YOLOX_DECODED)


def count_classes(path: Path, head: Head, shape: tuple[int, ...], size: InputSize) -> int | None:
    """Check an output's shape against its head.

    Args:
        path: The model, for errors.
        head: The head that it is said to have.
        shape: The output's shape, the batch axis included.
        size: The input's size, which decides how many anchors there are.

    Returns:
        The number of classes, or None if the shape does not tell.

    Raises:
        SightlineError: The shape does not fit; says what was expected and what was found.
    """
    problem = _shape_problem(head, shape, size)
    if problem:
        others = [one.value for one in fitting_heads(shape, size)]
        suspects = f"It has the shape of {' or '.join(others)}. " if others else ""
        raise SightlineError(
            f"The output of {path} has the shape {shape}, but head {head.value} means {LAYOUTS[head]}: "
            f"{problem}.",
            f"{suspects}Give the head that the model was exported with: "
            + ", ".join(one.value for one in Head)
            + ".",
        )
    if head in FINAL_BOXES or head is Head.NMS:
        return None
    if head is Head.YOLOV8:
        return shape[1] - 4
    return shape[2] - (4 if head is Head.RTDETR else 5)


def fitting_heads(shape: tuple[int, ...], size: InputSize) -> list[Head]:
    """The heads that an output of this shape, batch included, can have for an input of this size."""
    return [head for head in Head if not _shape_problem(head, shape, size)]


def _shape_problem(head: Head, shape: tuple[int, ...], size: InputSize) -> str:
    if head is Head.NMS:
        fits = len(shape) in (2, 3) and shape[-1] == 7
        return "" if fits else f"expected 7 values per detection, found {shape[-1] if shape else 0}"
    if len(shape) != 3:
        return f"expected 3 axes, found {len(shape)}"
    _, first, second = shape
    if head is Head.YOLOV8:
        if first > second:
            return f"{first} classes and more for {second} anchors, so the axes look swapped"
        return "" if first > 4 else f"expected more than 4 values per anchor, found {first}, so zero classes"
    if head in FINAL_BOXES:
        return "" if second == 6 else f"expected 6 values per detection, found {second}"
    if head in SET_PREDICTIONS:
        return _query_problem(head, first, second, size)
    if second <= 5:
        return f"expected more than 5 values per anchor, found {second}, so zero classes"
    return _anchor_problem(head, first, size)


def _query_problem(head: Head, queries: int, values: int, size: InputSize) -> str:
    least = 4 if head is Head.RTDETR else 5
    if values <= least:
        return f"expected more than {least} values per query, found {values}, so zero classes"
    if queries > _MOST_QUERIES or values > _MOST_QUERIES:
        cells = anchor_count(size)
        anchors = f", as many as an input of {size.width}x{size.height} has cells" if queries == cells else ""
        return f"expected some hundred queries, found {queries} of {values} values{anchors}"
    return ""


def _anchor_problem(head: Head, anchors: int, size: InputSize) -> str:
    cells = anchor_count(size)
    each = 1 if head in _ONE_A_CELL else 3
    # YOLOX has these three grids; the others have larger siblings with a fourth, and smaller ones with two.
    possible = {cells} if head is Head.YOLOX else _possible_cells(size)
    if anchors % each == 0 and anchors // each in possible:
        return ""
    return f"expected {each * cells} anchors for an input of {size.width}x{size.height}, found {anchors}"


def _possible_cells(size: InputSize) -> set[int]:
    """The cells of all runs of two or more neighbouring strides; queries can be as many as one has."""
    cells = [(size.width // stride) * (size.height // stride) for stride in _STRIDES_PX]
    runs = ((start, end) for start, end in combinations(range(len(cells) + 1), 2) if end - start > 1)
    return {sum(cells[start:end]) for start, end in runs}

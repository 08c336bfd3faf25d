"""Rewrites ONNX detectors with several inputs or outputs, or mixed pictures of a batch, into plain ones.

A plain detector takes pictures and gives one output with a row for each box. What is added are a few
standard operators at the ends of the graph; weights and layers stay as they are. So whatever runs models
(ONNX Runtime, Triton, TensorRT) need not know of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.head_checks import count_classes, fitting_heads
from sightline.vision.heads import FINAL_BOXES, SET_PREDICTIONS, Head, InputSize
from sightline.vision.model_input import ModelInput
from triton_repo.onnx_files import import_onnx

REWRITTEN: Final = FINAL_BOXES | SET_PREDICTIONS | {Head.NMS}
"""The heads that exporters give in several outputs, or with several inputs."""

OUTPUT: Final = "sightline_detections"
_OPSET: Final = 13
"""From here on the operators used here have the form in which they are written."""

_KINDS: Final[Mapping[str, Any]] = {
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(bool)": np.bool_,
}


@dataclass(frozen=True)
class Parts:
    """Which outputs hold what, by name.

    Attributes:
        boxes: (batch, N, 4), or (batch, N, 5) with a score behind each box.
        scores: (batch, N, classes), or (batch, N) with `ids`; None if they are in `boxes`.
        ids: (batch, N), class ids; None if the scores are of each class.
        count: (batch, 1) or (batch,), how many of the rows count; None if all do.
    """

    boxes: str
    scores: str | None = None
    ids: str | None = None
    count: str | None = None


def extra_inputs(path: Path, session: Any, pictures: ModelInput) -> dict[str, NDArray[Any]]:
    """Ones for each input beside the pictures, for one picture.

    The DETR family asks for the size of the original pictures, which its boxes are multiplied by: with ones
    they stay shares; or for a mask of the pixels that count, which are all.

    Raises:
        SightlineError: An input is neither.
    """
    found: dict[str, NDArray[Any]] = {}
    for one in session.get_inputs():
        if one.name == pictures.name:
            continue
        axes = list(one.shape or ())
        is_size = len(axes) == 2 and axes[1] == 2 and "size" in one.name.lower()
        is_mask = len(axes) == 3 and "mask" in one.name.lower()
        if one.type not in _KINDS or not (is_size or is_mask):
            raise SightlineError(
                f"The model {path} asks for {one.name!r} {axes} beside the pictures, which is neither the "
                "size of the original pictures nor a mask of their pixels.",
                "Export the model with this input set to a constant.",
            )
        sides = (2,) if is_size else (pictures.size.height, pictures.size.width)
        found[one.name] = np.ones((pictures.batch or 1, *sides), _KINDS[one.type])
    return found


def is_plain(session: Any, head: Head) -> bool:
    """Whether a detector has one input and one output, of rows that belong to one picture."""
    return head is not Head.NMS and len(session.get_inputs()) == 1 and len(session.get_outputs()) == 1


def find_parts(path: Path, head: Head, shapes: Mapping[str, tuple[int, ...]], whole: Sequence[str]) -> Parts:
    """Tell several outputs apart by their shapes, and by their names where these do not tell.

    Args:
        path: The model, for errors.
        head: The head that it is said to have.
        shapes: The outputs' shapes for one picture, by name.
        whole: The names of those that hold whole numbers by type.

    Raises:
        SightlineError: They are not the parts of detections.
    """
    flat = {name: shape for name, shape in shapes.items() if len(shape) == 2 and shape[1] > 1}
    deep = {name: shape for name, shape in shapes.items() if len(shape) == 3}
    boxes = [name for name, shape in deep.items() if shape[2] == 4]
    if len(boxes) > 1:
        boxes = [name for name in boxes if "box" in name.lower() or "det" in name.lower()]
    if len(boxes) == 1:
        (box,) = boxes
        classes = [name for name in deep if name != box]
        if len(classes) == 1 and len(shapes) == 2:
            return Parts(box, classes[0])
        ids = _only([name for name in flat if name in whole or _says(name, "class", "label", "ids")])
        scores = _only([name for name in flat if name != ids])
        counts = [name for name in shapes if name not in (box, ids, scores)]
        if ids and scores and len(counts) <= 1:
            return Parts(box, scores, ids, counts[0] if counts else None)
    scored = [name for name, shape in deep.items() if shape[2] == 5]
    ids = _only([name for name in flat if name in whole])
    if len(scored) == 1 and ids and len(shapes) == 2:
        return Parts(scored[0], ids=ids)
    told = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
    raise SightlineError(
        f"The outputs of {path} ({told}) are not those of head {head.value}: boxes (batch, N, 4) with "
        "scores of each class, or with one score and one class id each.",
        "Name the output that holds the detections with --output, or export the model with one output.",
    )


def _only(names: Sequence[str]) -> str | None:
    return names[0] if len(names) == 1 else None


def _says(name: str, *words: str) -> bool:
    return any(word in name.lower() for word in words)


def head_of(head: Head, parts: Parts | None) -> Head:
    """The head of the plain model."""
    if head is Head.NMS:
        return Head.END2END
    if parts is not None and parts.scores is not None and parts.ids is None:
        return head
    return head if head in FINAL_BOXES else Head.END2END


def check_parts(path: Path, head: Head, parts: Parts) -> None:
    """Refuse a head that the parts are not of; raises SightlineError."""
    each_class = parts.ids is None
    if each_class and head in FINAL_BOXES:
        raise SightlineError(
            f"The model {path} gives scores of each class in {parts.scores!r}, but head {head.value} means "
            "one score and one class id a box.",
            f"Is it --head {Head.RTDETR.value}, or {Head.DETR.value} if its last class is 'no object'?",
        )


def check_rows(path: Path, outputs: Mapping[str, NDArray[Any]], size: InputSize) -> None:
    """Refuse outputs that are not the rows of head `nms`; raises SightlineError."""
    if len(outputs) > 1:
        raise SightlineError(
            f"The model {path} has {len(outputs)} outputs ({', '.join(outputs)}), but head "
            f"{Head.NMS.value} means one.",
            f"Is it --head {Head.END2END.value}, with boxes, scores and class ids in outputs of their own?",
        )
    (rows,) = outputs.values()
    count_classes(path, Head.NMS, rows.shape, size)
    pictures = rows[..., 0].ravel()
    strange = (pictures != np.rint(pictures)) | (pictures < 0)
    if strange.any():
        others = [one.value for one in fitting_heads(rows.shape, size) if one is not Head.NMS]
        raise SightlineError(
            f"The first value of each row of {path}, which head {Head.NMS.value} says is a picture's number, "
            f"is {pictures[strange][0]:.4g}.",
            f"Is it --head {' or '.join(others)}?" if others else "Give the head that it was exported with.",
        )


def with_batch_of_one(model: Any, pictures: ModelInput) -> Any:
    """A copy of the model whose input says that it takes one picture at a time."""
    copy = type(model)()
    copy.CopyFrom(model)
    (found,) = (one for one in copy.graph.input if one.name == pictures.name)
    found.type.tensor_type.shape.dim[0].dim_value = 1
    return copy


def with_plain_ends(
    model: Any, pictures: ModelInput, extras: Mapping[str, NDArray[Any]], parts: Parts | None
) -> Any:
    """A copy of the model with the pictures as its only input and one output.

    Args:
        model: The `onnx.ModelProto`.
        pictures: Its input for pictures.
        extras: Its other inputs, which become ones.
        parts: Its outputs; None for the one output of head `nms`.
    """
    onnx = import_onnx()
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    default = next((each.version for each in plain.opset_import if each.domain in ("", "ai.onnx")), _OPSET)
    if default < _OPSET:
        plain = onnx.version_converter.convert_version(plain, _OPSET)
    ends = _Ends(onnx, plain.graph)
    ends.fill_inputs(pictures.name, extras)
    kept = [one for one in plain.graph.input if one.name == pictures.name]
    del plain.graph.input[:]
    plain.graph.input.extend(kept)
    if parts is None:
        ends.order_rows(plain.graph.output[0].name)
        # Its rows are of all pictures of a batch, so it gets one picture at a time.
        plain.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    else:
        ends.join(parts)
    del plain.graph.output[:]
    plain.graph.output.extend([onnx.helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, None)])
    return plain


@dataclass
class _Ends:
    """Adds nodes to a graph."""

    onnx: Any
    graph: Any
    number: int = 0

    def fill_inputs(self, pictures: str, extras: Mapping[str, NDArray[Any]]) -> None:
        """Make ones of the other inputs, for as many pictures as come."""
        nodes: list[Any] = []
        for name, ones in extras.items():
            shape = self._name()
            nodes.append(self.onnx.helper.make_node("Shape", [pictures], [shape]))
            batch = self._name()
            nodes.append(self.onnx.helper.make_node("Gather", [shape, self._constant([0])], [batch]))
            whole = self._name()
            sides = self._constant(list(ones.shape[1:]))
            nodes.append(self.onnx.helper.make_node("Concat", [batch, sides], [whole], axis=0))
            one = self.onnx.numpy_helper.from_array(np.ones(1, ones.dtype))
            nodes.append(self.onnx.helper.make_node("ConstantOfShape", [whole], [name], value=one))
        rest = list(self.graph.node)
        del self.graph.node[:]
        self.graph.node.extend(nodes + rest)

    def order_rows(self, rows: str) -> None:
        """From picture, box, class, score to box, score, class."""
        chosen = self._add("Gather", [rows, self._constant([1, 2, 3, 4, 6, 5])], axis=-1)
        flat = self._add("Reshape", [chosen, self._constant([1, -1, 6])])
        self._add("Cast", [flat], OUTPUT, to=self.onnx.TensorProto.FLOAT)

    def join(self, parts: Parts) -> None:
        """Put boxes, scores and class ids side by side."""
        columns = [self._float(parts.boxes)]
        if parts.scores is not None:
            scores = self._float(parts.scores)
            if parts.count is not None:
                scores = self._add("Mul", [scores, self._counted(parts.scores, parts.count)])
            columns.append(scores if parts.ids is None else self._column(scores))
        if parts.ids is not None:
            columns.append(self._column(self._float(parts.ids)))
        self._add("Concat", columns, OUTPUT, axis=-1)

    def _counted(self, rows: str, count: str) -> str:
        """1 for rows below the count, else 0; float (batch, N)."""
        total = self._add("Gather", [self._add("Shape", [rows]), self._scalar(1)])
        place = self._add("Range", [self._scalar(0), total, self._scalar(1)])
        whole = self._add("Cast", [count], to=self.onnx.TensorProto.INT64)
        limit = self._add("Reshape", [whole, self._constant([-1, 1])])
        return self._float(self._add("Less", [place, limit]))

    def _column(self, name: str) -> str:
        return self._add("Unsqueeze", [name, self._constant([-1])])

    def _float(self, name: str) -> str:
        return self._add("Cast", [name], to=self.onnx.TensorProto.FLOAT)

    def _add(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        name = output or self._name()
        self.graph.node.append(self.onnx.helper.make_node(kind, inputs, [name], **attributes))
        return name

    def _scalar(self, value: int) -> str:
        return self._tensor(np.array(value, np.int64))

    def _constant(self, values: list[int]) -> str:
        return self._tensor(np.array(values, np.int64))

    def _tensor(self, values: NDArray[np.int64]) -> str:
        name = self._name()
        self.graph.initializer.append(self.onnx.numpy_helper.from_array(values, name))
        return name

    def _name(self) -> str:
        self.number += 1
        return f"sightline_{self.number}"

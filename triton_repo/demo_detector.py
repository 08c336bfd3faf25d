"""Build the demo's detector: an ONNX file with weights set by hand, which finds the kinds of `palette.py`.

    python -m triton_repo.demo_detector FOLDER

writes `model.onnx` and `model.json` there, the same bytes each time. Input: (batch, 3, 192, 320), RGB, 0..1,
letterboxed in the middle. Output: YOLOv8's layout, (batch, 4 + 4 classes, anchors).

How it works. Pictures for it are drawn as `sightline/vision/palette.py` says. A pixel's chroma is a vector
of two numbers that brightness does not change (r - g, and the mean of r and g minus b). A pixel belongs to a
kind if its chroma points the kind's way, and is at least half as long as that of the kind's colour, so that
the edge of a blurred shape stays where it was drawn. From each anchor, max-pools to each of four sides find
the nearest pixel that is not of the anchor's kind: these are the sides of the box. Anchors near the middle of
their own box get a score; NMS keeps one of them.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.describe import describe_onnx
from sightline.vision.heads import Head
from sightline.vision.model import MODEL_FILE, ModelSpec, save_spec
from sightline.vision.palette import PALETTE
from triton_repo.heavy import add_weight

WIDTH, HEIGHT = 320, 192
STEP_X, STEP_Y = 2, 4
"""Pixels between anchors: in a shape of the least size, one is never far from the middle."""

REACH_PX = 80
"""How far an anchor looks for a side: beyond the longest shape at the largest scale."""

_NEAR_PX = 8

MIN_SIDE_PX = 4.0
"""Thinner boxes are noise."""

_OPSET, _IR_VERSION = 17, 8


def write_demo_detector(folder: Path, heavy_layers: int = 0) -> ModelSpec:
    """Write `model.onnx` and `model.json` into a folder, which is made if missing.

    Args:
        folder: Where to.
        heavy_layers: As for `build_demo_detector`.

    Returns:
        What the model is.

    Raises:
        SightlineError: The package onnx is missing, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MODEL_FILE).write_bytes(build_demo_detector(heavy_layers))
        spec = describe_onnx(folder / MODEL_FILE, Head.YOLOV8)
        save_spec(spec, folder)
    except OSError as error:
        raise SightlineError(
            f"Cannot write the demo's detector to {folder}: {error}.", "Give another folder."
        ) from error
    return spec


def build_demo_detector(heavy_layers: int = 0) -> bytes:
    """Build the ONNX file.

    Args:
        heavy_layers: Layers of `heavy.py` that do nothing but take time, for benchmarks; 0 for none.

    Raises:
        SightlineError: The package onnx is missing.
    """
    try:
        import onnx  # a tool for building only: serving the model does not need it
    except ImportError as error:
        raise SightlineError(
            "The package onnx, which builds the demo's detector, is missing.",
            "Install it with `pip install 'sightline[local]'`.",
        ) from error
    graph = _Graph(onnx.helper)
    _masks(graph)
    _sides(graph)
    _scores(graph)
    scores = add_weight(graph, "class_scores", heavy_layers) if heavy_layers else "class_scores"
    graph.node("Concat", ["cx", "cy", "width", "height", scores], "grid", axis=1)
    shape = graph.constant("shape", np.array([0, 4 + len(PALETTE), -1], np.int64))
    graph.node("Reshape", ["grid", shape], "output0")
    model = graph.model()
    onnx.helper.set_model_props(model, {"names": repr({i: kind.name for i, kind in enumerate(PALETTE)})})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


class _Graph:
    """Collects nodes and constants."""

    def __init__(self, helper: Any) -> None:
        self._helper = helper
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node; returns its output's name."""
        self._nodes.append(self._helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: NDArray[Any] | float) -> str:
        """Add a constant; returns its name."""
        array = np.asarray(value, np.int64 if getattr(value, "dtype", None) == np.int64 else np.float32)
        kind = self._helper.np_dtype_to_tensor_dtype(array.dtype)
        self._constants.append(self._helper.make_tensor(name, kind, array.shape, array.tobytes(), raw=True))
        return name

    def model(self) -> Any:
        """Make the model from `images` to `output0`."""
        helper, real = self._helper, 1  # TensorProto.FLOAT
        anchors = (WIDTH // STEP_X) * (HEIGHT // STEP_Y)
        graph = helper.make_graph(
            self._nodes,
            "demo_detector",
            [helper.make_tensor_value_info("images", real, ["batch", 3, HEIGHT, WIDTH])],
            [helper.make_tensor_value_info("output0", real, ["batch", 4 + len(PALETTE), anchors])],
            self._constants,
        )
        opset = [helper.make_opsetid("", _OPSET)]
        return helper.make_model(
            graph, opset_imports=opset, ir_version=_IR_VERSION, producer_name="sightline"
        )


def _masks(graph: _Graph) -> None:
    """From `images` make `mask` (batch, kinds, height, width), 1 where a pixel is of the kind, else 0."""
    to_chroma = np.array([[1, -1, 0], [0.5, 0.5, -1]])
    along, across = [], []
    for kind in PALETTE:
        x, y = to_chroma @ np.array(kind.bgr[::-1]) / 255
        length = x * x + y * y
        along.append(np.array([x, y]) @ to_chroma / length)
        across.append(np.array([-y, x]) @ to_chroma / length)
    for name, rows in (("along", along), ("across", across)):
        weights = np.array(rows, np.float32).reshape(len(PALETTE), 3, 1, 1)
        graph.node("Conv", ["images", graph.constant(f"{name}_weights", weights)], name)
    half = graph.constant("half", 0.5)
    graph.node("Greater", ["along", half], "is_strong")
    graph.node("Mul", ["along", half], "half_along")
    graph.node("Abs", ["across"], "aside")
    # Within 27 degrees of the kind's way; the kinds are 57 degrees apart at least.
    graph.node("Less", ["aside", "half_along"], "is_near")
    graph.node("And", ["is_strong", "is_near"], "is_kind")
    graph.node("Cast", ["is_kind"], "mask", to=1)


def _sides(graph: _Graph) -> None:
    """From `mask` make the anchors' boxes: `cx`, `cy`, `width`, `height` (batch, 1, rows, columns)."""
    graph.node("Sub", [graph.constant("one", 1.0), "mask"], "other")
    graph.node("MaxPool", ["mask"], "kind_here", kernel_shape=[1, 1], strides=[STEP_Y, STEP_X])
    x = np.arange(WIDTH, dtype=np.float32).reshape(1, 1, 1, WIDTH)
    y = np.arange(HEIGHT, dtype=np.float32).reshape(1, 1, HEIGHT, 1)
    # A side is the largest place among the pixels of another kind within reach, counted from the picture's
    # left or top, or from its right or bottom. Without any it is 0, the picture's edge.
    for name, places, across, before in (
        ("left", x + 1, True, True),
        ("right", WIDTH - x, True, False),
        ("top", y + 1, False, True),
        ("bottom", HEIGHT - y, False, False),
    ):
        graph.node("Mul", ["other", graph.constant(f"{name}_places", places)], f"{name}_other")
        _reach(graph, f"{name}_other", f"{name}_all", across=across, before=before)
        graph.node("Mul", [f"{name}_all", "kind_here"], f"{name}_kind")
        axes = graph.constant(f"{name}_axes", np.array([1], np.int64))
        graph.node("ReduceSum", [f"{name}_kind", axes], name, keepdims=1)
    for low, high, size, length, middle in (
        ("left", "right", WIDTH, "width", "cx"),
        ("top", "bottom", HEIGHT, "height", "cy"),
    ):
        graph.node("Sub", [graph.constant(f"{length}_whole", float(size)), high], f"{high}_side")
        graph.node("Sub", [f"{high}_side", low], length)
        graph.node("Add", [f"{high}_side", low], f"{middle}_twice")
        graph.node("Mul", [f"{middle}_twice", "half"], middle)


def _reach(graph: _Graph, source: str, target: str, *, across: bool, before: bool) -> None:
    """Give each anchor the largest of the `REACH_PX` values on one side of it, itself included.

    Two pools, of 8 neighbours and then of each 8th, cost a third of one of 80.
    """
    along = 1 if across else 0
    for pool, step, step_other, kernel, gap in (
        (f"{target}_near", 1, STEP_Y if across else STEP_X, _NEAR_PX, 1),
        (target, STEP_X if across else STEP_Y, 1, REACH_PX // _NEAR_PX, _NEAR_PX),
    ):
        pads = np.zeros(8, np.int64)  # before and after for each of the 4 axes
        pads[2 + along if before else 6 + along] = (kernel - 1) * gap
        # A node of its own: ONNX Runtime's pools take no padding as wide as a spread kernel needs.
        graph.node("Pad", [source, graph.constant(f"{pool}_pads", pads)], f"{pool}_padded")
        shape, steps, gaps = [1, 1], [step_other] * 2, [1, 1]
        shape[along], steps[along], gaps[along] = kernel, step, gap
        source = graph.node(
            "MaxPool", [f"{pool}_padded"], pool, kernel_shape=shape, strides=steps, dilations=gaps
        )


def _scores(graph: _Graph) -> None:
    """Score the anchors by how near they are to the middle of their box: `class_scores`."""
    x = np.arange(0, WIDTH, STEP_X, dtype=np.float32).reshape(1, 1, 1, -1) + 0.5
    y = np.arange(0, HEIGHT, STEP_Y, dtype=np.float32).reshape(1, 1, -1, 1) + 0.5
    for middle, length, places in (("cx", "width", x), ("cy", "height", y)):
        graph.node("Sub", [middle, graph.constant(f"{middle}_here", places)], f"{middle}_off")
        graph.node("Abs", [f"{middle}_off"], f"{middle}_distance")
        graph.node("Max", [length, "one"], f"{length}_some")
        graph.node("Div", [f"{middle}_distance", f"{length}_some"], f"{middle}_part")
    graph.node("Add", ["cx_part", "cy_part"], "off_middle")
    # At most 0.2 for the best anchor of the smallest shape; all that may pass overlap enough for NMS.
    _ramp(graph, "off_middle", "middling", 0.28, 0.22)
    graph.node("Min", ["width", "height"], "short_side")
    _ramp(graph, "short_side", "big_enough", MIN_SIDE_PX - 1, MIN_SIDE_PX)
    graph.node("Sub", [graph.constant("best", 0.97), "off_middle"], "closeness")
    graph.node("Mul", ["closeness", "middling"], "middling_score")
    graph.node("Mul", ["middling_score", "big_enough"], "score_any")
    graph.node("Clip", ["score_any", graph.constant("zero", 0.0), "one"], "score")
    graph.node("Mul", ["score", "kind_here"], "class_scores")


def _ramp(graph: _Graph, source: str, target: str, nothing: float, full: float) -> None:
    """Map a value to 0 at `nothing`, to 1 at `full`, straight between them, and clip it."""
    slope = 1 / (full - nothing)
    graph.node("Mul", [source, graph.constant(f"{target}_slope", slope)], f"{target}_scaled")
    graph.node(
        "Add", [f"{target}_scaled", graph.constant(f"{target}_shift", -nothing * slope)], f"{target}_line"
    )
    limits = [graph.constant(f"{target}_low", 0.0), graph.constant(f"{target}_high", 1.0)]
    graph.node("Clip", [f"{target}_line", *limits], target)


def main(arguments: list[str]) -> int:
    """Write the detector to a folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m triton_repo.demo_detector", description=main.__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument(
        "--heavy", type=int, default=0, metavar="LAYERS", help="add layers that only take time"
    )
    options = parser.parse_args(arguments)
    try:
        spec = write_demo_detector(options.folder, options.heavy)
    except SightlineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"Wrote {options.folder / MODEL_FILE}: finds {', '.join(spec.labels)}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

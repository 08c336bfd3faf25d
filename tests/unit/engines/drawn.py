"""Pictures that the demo's detector is made for, labelled as YOLO's users do; and the least of detectors."""

from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sightline.vision.describe import describe_onnx
from sightline.vision.heads import Head
from sightline.vision.model import MODEL_FILE, save_spec
from sightline.vision.palette import PALETTE

ANCHORS = 42
"""Of the least of detectors."""

WIDTH_PX, HEIGHT_PX = 640, 360


def write_least_detector(folder: Path) -> Path:
    """Write a detector of 64x32 that finds the same two things in every picture; returns its folder."""
    found = np.zeros((6, ANCHORS), np.float32)
    found[:, :2] = [[32, 10], [16, 10], [20, 8], [10, 8], [0.1, 0.6], [0.8, 0.1]]
    constants = [
        numpy_helper.from_array(np.zeros((found.size, 3, 1, 1), np.float32), "weights"),
        numpy_helper.from_array(found.ravel(), "found"),
        numpy_helper.from_array(np.array([0, *found.shape], np.int64), "shape"),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[2, 3], keepdims=1),
        helper.make_node("Conv", ["mean", "weights", "found"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["output0"]),
    ]
    graph = helper.make_graph(
        nodes,
        "least",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, 32, 64])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["batch", 6, ANCHORS])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {"names": "['low', 'high']"})
    folder.mkdir()
    onnx.save(model, folder / MODEL_FILE)
    save_spec(describe_onnx(folder / MODEL_FILE, Head.YOLOV8), folder)
    return folder


def draw_folder(folder: Path, count: int, labels: bool = True) -> Path:
    """Draw `count` pictures of two objects each; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    for index in range(count):
        image = np.full((HEIGHT_PX, WIDTH_PX, 3), 100, np.uint8)
        lines = []
        for left in (40, 360):
            class_id = int(rng.integers(2))  # the kinds that are rectangles
            kind = PALETTE[class_id]
            x, y = left + int(rng.integers(100)), int(rng.integers(20, 280))
            corner = (x + kind.width_px - 1, y + kind.height_px - 1)
            cv2.rectangle(image, (x, y), corner, kind.bgr, cv2.FILLED)
            box = (x + kind.width_px / 2, y + kind.height_px / 2, kind.width_px, kind.height_px)
            shares = np.array(box) / (WIDTH_PX, HEIGHT_PX, WIDTH_PX, HEIGHT_PX)
            lines.append(" ".join([str(class_id), *(f"{share:.6f}" for share in shares)]))
        cv2.imwrite(str(folder / f"{index:03}.png"), image)
        if labels:
            (folder / f"{index:03}.txt").write_text("\n".join(lines) + "\n")
    return folder

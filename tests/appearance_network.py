"""A tiny appearance network with known weights: it sees only a crop's mean colour."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from sightline.vision.appearance import AppearanceSpec, save_appearance_spec

ATTRIBUTES = ("reddish", "greenish", "blueish")
SPEC = AppearanceSpec(ATTRIBUTES, embedding_width=4, width=16, height=16)
EMBEDDING = np.random.default_rng(7).normal(size=(3, 4)).astype(np.float32)
SHARPNESS = np.float32(20)


def write_appearance(folder: Path) -> Path:
    """Write `model.onnx` and `appearance.json`; returns the folder, which is made."""
    folder.mkdir(parents=True)
    weights = {"to_embedding": EMBEDDING, "sharpness": np.array(SHARPNESS)}
    nodes = [
        helper.make_node("GlobalAveragePool", ["crops"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["colour"]),
        helper.make_node("MatMul", ["colour", "to_embedding"], ["embedding"]),
        helper.make_node("Mul", ["colour", "sharpness"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    shapes = {"embedding": 4, "probabilities": 3}
    graph = helper.make_graph(
        nodes,
        "appearance",
        [helper.make_tensor_value_info("crops", onnx.TensorProto.FLOAT, ("batch", 3, 16, 16))],
        [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ("batch", w)) for n, w in shapes.items()],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    save_appearance_spec(SPEC, folder)
    return folder


def expected(crop: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the network says about a crop, uint8 (16, 16, 3) BGR: embedding (4,), probabilities (3,)."""
    colour = crop[..., ::-1].reshape(-1, 3).mean(axis=0) / 255
    powers = np.exp(SHARPNESS * (colour - colour.max()))
    return colour @ EMBEDDING.astype(np.float64), powers / powers.sum()

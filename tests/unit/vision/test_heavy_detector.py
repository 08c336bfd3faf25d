"""The detector for benchmarks finds what the demo's detector finds, and costs more."""

import numpy as np
import onnx
import onnxruntime
import pytest

from triton_repo.demo_detector import build_demo_detector


def run(model: bytes, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images})[0]


@pytest.mark.parametrize("layers", [1, 3])
def test_the_layers_that_take_time_change_no_score(layers):
    images = np.random.default_rng(1).random((2, 3, 192, 320), np.float32)
    images[:, 0, 60:90, 60:110] = 0.9
    images[:, 1:, 60:90, 60:110] = 0.15
    plain, heavy = run(build_demo_detector(), images), run(build_demo_detector(layers), images)
    np.testing.assert_allclose(heavy, plain, rtol=0, atol=1e-12)
    assert plain[:, 4:].max() > 0.5


def test_each_layer_is_there():
    nodes = [node.op_type for node in onnx.load_from_string(build_demo_detector(6)).graph.node]
    plain = [node.op_type for node in onnx.load_from_string(build_demo_detector()).graph.node]
    assert nodes.count("Conv") - plain.count("Conv") == 6 + 2

"""Conversions keep what a detector finds, change its layers only where they should, and need no luck."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sightline.errors import SightlineError
from triton_repo.precision import to_fp16, to_int8


def network(opset: int = 17, named: bool = True) -> Any:
    """Three convolutions with SiLU between them, then a tail that makes coordinates of about 500."""
    rng = np.random.default_rng(5)

    def weights(name: str, outputs: int, inputs: int) -> Any:
        values = rng.normal(0, (2 / (9 * inputs)) ** 0.5, (outputs, inputs, 3, 3))
        return numpy_helper.from_array(values.astype(np.float32), name)

    constants = [
        weights("w0", 8, 3),
        weights("w1", 8, 8),
        weights("w2", 6, 8),
        numpy_helper.from_array(np.array(500.3, np.float32), "far"),
        numpy_helper.from_array(np.array([0, 6, -1], np.int64), "flat"),
    ]
    nodes, source = [], "images"
    for index in range(3):
        nodes.append(helper.make_node("Conv", [source, f"w{index}"], [f"c{index}"], pads=[1, 1, 1, 1]))
        if index < 2:
            nodes.append(helper.make_node("Sigmoid", [f"c{index}"], [f"s{index}"]))
            nodes.append(helper.make_node("Mul", [f"c{index}", f"s{index}"], [f"m{index}"]))
        source = f"m{index}"
    nodes.append(helper.make_node("Add", ["c2", "far"], ["shifted"]))
    nodes.append(helper.make_node("Reshape", ["shifted", "flat"], ["output0"]))
    for index, node in enumerate(nodes):
        node.name = f"node{index}" if named else ""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, 16, 16])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["batch", 6, 256])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def run(model: Any, batch: NDArray[np.float32]) -> NDArray[Any]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    output: NDArray[Any] = session.run(None, {"images": batch})[0]
    return output


def batches(count: int = 8) -> Iterator[NDArray[np.float32]]:
    rng = np.random.default_rng(1)
    for _ in range(count):
        yield rng.random((1, 3, 16, 16), dtype=np.float32)


PICTURES = np.random.default_rng(9).random((2, 3, 16, 16), dtype=np.float32)


@pytest.mark.parametrize("named", [True, False])
def test_half_precision_halves_the_weights_and_keeps_coordinates_exact(named: bool) -> None:
    model = network(named=named)
    before = model.SerializeToString()
    half = to_fp16(model)
    assert model.SerializeToString() == before
    kinds = {one.name: one.data_type for one in half.graph.initializer}
    assert [kinds[name] for name in ("w0", "w1", "w2")] == [TensorProto.FLOAT16] * 3
    expected, found = run(model, PICTURES), run(half, PICTURES)
    assert found.dtype == np.float32
    # The steps of half precision near 500 are a quarter: the tail cannot have been converted.
    assert np.abs(found - expected).max() < 0.05


def test_the_inputs_type_stays_so_that_the_models_description_stays() -> None:
    half = to_fp16(network())
    assert half.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    assert half.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT


@pytest.mark.parametrize(("opset", "named"), [(17, True), (17, False), (11, True)])
def test_eight_bits_are_put_around_the_inner_layers_alone(opset: int, named: bool) -> None:
    model = network(opset, named)
    small = to_int8(model, batches())
    expected, found = run(model, PICTURES), run(small, PICTURES)
    spread = expected.std()
    assert np.abs(found - expected).mean() < 0.1 * spread
    kinds = Counter(node.op_type for node in small.graph.node)
    # One layer of three is quantised: its input as a whole, its weights per channel.
    assert (kinds["Conv"], kinds["QuantizeLinear"], kinds["DequantizeLinear"]) == (3, 1, 2)
    (weights,) = [
        one for one in small.graph.initializer if one.data_type == TensorProto.INT8 and one.dims[1:]
    ]
    assert list(weights.dims) == [8, 8, 3, 3]


def test_eight_bits_are_symmetric_as_tensorrt_asks_for() -> None:
    small = to_int8(network(), batches())
    zeros = [numpy_helper.to_array(one) for one in small.graph.initializer if "zero_point" in one.name]
    assert zeros
    assert all((zero == 0).all() and zero.dtype == np.int8 for zero in zeros)


def test_the_same_pictures_give_the_same_file() -> None:
    first, second = (to_int8(network(), batches()).SerializeToString() for _ in range(2))
    assert first == second


def test_nothing_is_printed_by_the_library(capsys: pytest.CaptureFixture[str], caplog: Any) -> None:
    to_int8(network(), batches())
    assert capsys.readouterr().out == ""
    assert caplog.text == ""


def test_what_cannot_be_converted_is_an_error() -> None:
    with pytest.raises(SightlineError, match="converted to 8 bits"):
        to_int8(network(), [])
    broken = network()
    broken.graph.node[0].op_type = "Nonsense"
    with pytest.raises(SightlineError, match="converted to 8 bits"):
        to_int8(broken, batches())
    with pytest.raises(SightlineError, match="converted to half precision"):
        to_fp16(broken)


def test_a_missing_onnx_package_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = network()
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(SightlineError, match="package onnx"):
        to_fp16(model)

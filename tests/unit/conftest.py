from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

MakeModel = Callable[..., Path]


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Write an ONNX model whose outputs are constants plus the mean of the picture times `per_mean`."""

    def make(
        output: NDArray[np.float32],
        shape: tuple[int | str, ...] = (1, 3, 64, 64),
        dtype: int = TensorProto.FLOAT,
        metadata: Mapping[str, str] | None = None,
        outputs: tuple[str, ...] = ("output0",),
        per_mean: float = 0.0,
        name: str = "model.onnx",
    ) -> Path:
        real = helper.tensor_dtype_to_np_dtype(dtype)
        constants = [
            helper.make_tensor("fixed", dtype, (1, *output.shape), output.astype(real).tobytes(), raw=True),
            helper.make_tensor("per_mean", dtype, (), np.array(per_mean, real).tobytes(), raw=True),
            helper.make_tensor("flat", TensorProto.INT64, (3,), [-1, 1, 1]),
        ]
        nodes = [
            helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=1),
            helper.make_node("Reshape", ["mean", "flat"], ["mean_flat"]),
            helper.make_node("Mul", ["mean_flat", "per_mean"], ["offset"]),
            *(helper.make_node("Add", ["fixed", "offset"], [each]) for each in outputs),
        ]
        graph = helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info("images", dtype, shape)],
            [helper.make_tensor_value_info(each, dtype, None) for each in outputs],
            constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        helper.set_model_props(model, dict(metadata or {}))
        path = tmp_path / name
        onnx.save(model, path)
        return path

    return make

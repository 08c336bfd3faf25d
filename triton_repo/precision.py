"""Make a network's ONNX file smaller and faster: half precision, or whole numbers of 8 bits.

The file itself is converted, before any engine is built from it. So the result is the same for every version
of TensorRT (11 has dropped the flags with which the versions before chose by themselves), it can be measured
and run with ONNX Runtime anywhere, and what is measured is what is built.

The tail of a network (all that follows its last weighted layers: a detector's anchors, strides and boxes in
pixels, an appearance network's lengths and shares) stays in float32: half precision holds a coordinate of 500
pixels only to a quarter of a pixel, and the tail is cheap.
"""

import io
import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from triton_repo.onnx_files import import_onnx

_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""The layers that take the time, and that gain from fewer bits."""


_QUANTIZER: Mapping[str, Any] = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "QuantizeBias": False,
    # A convolution's output is quantised after its activation function, as TensorRT fuses the two.
    "OpTypesToExcludeOutputQuantization": list(_WEIGHTED),
    # Outliers are cut: their range would leave a few steps for all the rest.
    "CalibPercentile": 99.99,
    # Gather the histograms batch by batch (the option's name tells of one method, it serves them all): else
    # every activation of every batch is held at once, which is gigabytes.
    "CalibStridedMinMax": 1,
}

_QDQ_OPSET = 13
"""The first with a scale per channel."""


def to_fp16(model: Any) -> Any:
    """Convert to half precision inside; inputs and outputs keep their types.

    Args:
        model: An `onnx.ModelProto`, left as it is.

    Returns:
        A new `onnx.ModelProto`.

    Raises:
        SightlineError: A package is missing, or the model cannot be converted.
    """
    onnx = import_onnx()
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    named = _with_names(onnx, model)
    try:
        half = convert_float_to_float16(
            onnx.shape_inference.infer_shapes(named),
            keep_io_types=True,
            disable_shape_infer=True,
            node_block_list=_tail(named),
        )
        _drop_detours(onnx, half, {node.name for node in named.graph.node})
        OnnxModel.graph_topological_sort(half.graph)  # the converter appends its casts at the end
        onnx.checker.check_model(half)
    except Exception as error:  # the converter raises all sorts
        raise _cannot("half precision", error) from error
    return half


def to_int8(model: Any, batches: Iterable[NDArray[Any]]) -> Any:
    """Quantise to 8 bits, explicitly: QuantizeLinear and DequantizeLinear before the weighted layers.

    Weights have a scale per channel, activations one per tensor, all of them symmetric, as TensorRT asks for.
    An activation's range holds all but 1 in 10,000 of the values that the batches give it. The first and the
    last weighted layers stay as they are: they read raw pixels and write what a user sees.

    Args:
        model: An `onnx.ModelProto`, left as it is.
        batches: Inputs as the model sees them in use, each of the model's batch size.

    Returns:
        A new `onnx.ModelProto`.

    Raises:
        SightlineError: A package is missing, there is no batch, or the model cannot be quantised.
    """
    onnx = import_onnx()
    from onnxruntime import quantization

    reader = _reader(quantization, model.graph.input[0].name, batches)
    with tempfile.TemporaryDirectory(prefix="sightline-int8-") as scratch, _quiet():
        ready, done = Path(scratch) / "ready.onnx", Path(scratch) / "int8.onnx"
        try:
            prepared = _with_names(onnx, _simplified(onnx, model, ready))
            onnx.save(prepared, str(ready))
            quantization.quantize_static(
                str(ready),
                str(done),
                reader,
                quant_format=quantization.QuantFormat.QDQ,
                activation_type=quantization.QuantType.QInt8,
                weight_type=quantization.QuantType.QInt8,
                per_channel=True,
                calibrate_method=quantization.CalibrationMethod.Percentile,
                op_types_to_quantize=list(_WEIGHTED),
                nodes_to_exclude=[*_tail(prepared), *_ends(prepared)],
                extra_options=dict(_QUANTIZER),
            )
            return onnx.load(str(done))
        except SightlineError:
            raise
        except Exception as error:  # the quantiser raises all sorts
            raise _cannot("8 bits", error) from error


def _drop_detours(onnx: Any, half: Any, originals: set[str]) -> None:
    """Take out pairs of casts to half precision and back, which the converter puts into the tail.

    Args:
        onnx: The package.
        half: The converted model, changed in place.
        originals: The names of the nodes that were there before.
    """
    casts = [node for node in half.graph.node if node.op_type == "Cast" and node.name not in originals]
    narrow = {
        node.output[0]: node.input[0] for node in casts if node.attribute[0].i == onnx.TensorProto.FLOAT16
    }
    wide = {}
    for node in casts:
        if node.attribute[0].i == onnx.TensorProto.FLOAT and node.input[0] in narrow:
            wide[node.output[0]] = narrow[node.input[0]]
            # It stays as a name for its value only if it is an output of the model.
            node.op_type, node.input[0] = "Identity", narrow[node.input[0]]
            node.ClearField("attribute")
    for node in half.graph.node:
        node.input[:] = [wide.get(name, name) for name in node.input]
    used = {output.name for output in half.graph.output}.union(*(node.input for node in half.graph.node))
    for node in casts:
        if not used.intersection(node.output):
            half.graph.node.remove(node)


def _simplified(onnx: Any, model: Any, path: Path) -> Any:
    """Fold constants, and normalisations into the convolutions before them."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 4
    if next(one.version for one in model.opset_import if not one.domain) < _QDQ_OPSET:
        model = onnx.version_converter.convert_version(model, _QDQ_OPSET)
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return onnx.load(str(path))


def _with_names(onnx: Any, model: Any) -> Any:
    """A copy in which every node has a name of its own: the converters tell nodes by them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    seen: set[str] = set()
    for index, node in enumerate(copy.graph.node):
        if not node.name or node.name in seen:
            node.name = f"{node.op_type}_{index}"
        seen.add(node.name)
    return copy


def _tail(model: Any) -> list[str]:
    """The names of the nodes from the outputs back to the nearest weighted layers."""
    makers: Mapping[str, Any] = {name: node for node in model.graph.node for name in node.output}
    names: list[str] = []
    ahead = [makers.get(output.name) for output in model.graph.output]
    seen: set[str] = set()
    while ahead:
        node = ahead.pop()
        if node is None or node.name in seen or node.op_type in _WEIGHTED:
            continue
        seen.add(node.name)
        names.append(node.name)
        ahead += [makers.get(name) for name in node.input]
    return names


def _ends(model: Any) -> set[str]:
    """The names of the first weighted layer, and of those that the tail reads."""
    tail = set(_tail(model))
    read = {name for node in model.graph.node if node.name in tail for name in node.input}
    weighted = [node for node in model.graph.node if node.op_type in _WEIGHTED]
    return {node.name for node in weighted if read.intersection(node.output)} | {
        node.name for node in weighted[:1]
    }


def _reader(quantization: Any, name: str, batches: Iterable[NDArray[Any]]) -> Any:
    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]  # the library has no types
        """Gives ONNX Runtime the batches of the range that it asks for."""

        def __init__(self) -> None:
            self._batches = [np.ascontiguousarray(batch) for batch in batches]
            self._ahead: Iterator[NDArray[Any]] = iter(())

        def __len__(self) -> int:
            return len(self._batches)

        def set_range(self, start_index: int, end_index: int) -> None:
            self._ahead = iter(self._batches[start_index:end_index])

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            batch = next(self._ahead, None)
            return None if batch is None else {name: batch}

    return Reader()


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what the quantiser prints and logs, which is for its programmers."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)


def _cannot(what: str, error: Exception) -> SightlineError:
    reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
    return SightlineError(
        f"The model cannot be converted to {what}: {reason}.", "Use it as it is, or export it anew."
    )

"""From a trained network to the ONNX file that ships."""

import copy
import hashlib
import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

OPSET: Final = 17


def export_onnx(
    network: nn.Module,
    example: Any,
    path: Path,
    input_name: str,
    output_names: Sequence[str],
    metadata: Mapping[str, str],
) -> str:
    """Write a network as ONNX, any batch size, with its batch normalisation folded into the convolutions.

    Args:
        network: In evaluation mode; not changed.
        example: An input with a batch of 2.
        path: Where to; its folder is made if missing.
        input_name: Of the input.
        output_names: Of the outputs, in order.
        metadata: Goes into the file's metadata.

    Returns:
        The file's SHA-256 in hexadecimal digits.
    """
    import onnx

    folded = fold(copy.deepcopy(network).float().cpu().eval())
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter by tracing is the one that writes opset 17 without a conversion afterwards.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            folded,
            (example,),
            buffer,
            opset_version=OPSET,
            dynamo=False,
            input_names=[input_name],
            output_names=list(output_names),
            dynamic_axes={name: {0: "batch"} for name in (input_name, *output_names)},
        )
    model = onnx.load_from_string(buffer.getvalue())
    with torch.no_grad():
        _state_shapes(model, folded(example))
    model.producer_name, model.producer_version = "sightline", ""
    for node in model.graph.node:
        node.ClearField("doc_string")
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    data = model.SerializeToString(deterministic=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _state_shapes(model: Any, outputs: Any) -> None:
    """Write down what the exporter leaves open: only the batch may be of any size."""
    shapes = [tuple(output.shape) for output in (outputs if isinstance(outputs, tuple) else (outputs,))]
    for output, shape in zip(model.graph.output, shapes, strict=True):
        for dimension, size in zip(output.type.tensor_type.shape.dim[1:], shape[1:], strict=True):
            dimension.dim_value = size


def fold(network: nn.Module) -> nn.Module:
    """Fold batch normalisation into the convolution before it, wherever one follows in a sequence."""
    for child in network.children():
        fold(child)
    if isinstance(network, nn.Sequential):
        for number in range(len(network) - 1):
            first, second = network[number], network[number + 1]
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                network[number] = fuse_conv_bn_eval(first, second)
                network[number + 1] = nn.Identity()
    return network

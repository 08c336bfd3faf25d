"""The `config.pbtxt` of a detector that Triton's ONNX Runtime backend serves by itself."""

from typing import Any

from google.protobuf import text_format  # type: ignore[import-untyped]  # protobuf ships no types
from tritonclient.grpc import model_config_pb2

from sightline.vision.heads import Head
from sightline.vision.model import MODEL_FILE, ModelSpec

MAX_BATCH = 32
QUEUE_DELAY_US = 5_000
INSTANCES = 2

_DTYPES = {"float32": "TYPE_FP32", "float16": "TYPE_FP16"}


def onnx_config(spec: ModelSpec, name: str, output_shape: tuple[int, ...], output_dtype: str) -> str:
    """Make the configuration.

    A model of a free batch size gets dynamic batching; one of a fixed size gets whole batches from its
    clients, so its first axis is a dimension like the others.

    Args:
        spec: What the model is.
        name: The Triton model's name.
        output_shape: The output's shape, batch axis first.
        output_dtype: `float32` or `float16`.

    Returns:
        The text of `config.pbtxt`.
    """
    config: Any = model_config_pb2.ModelConfig(
        name=name, backend="onnxruntime", default_model_filename=MODEL_FILE
    )
    picture = (3, spec.height, spec.width) if spec.layout == "NCHW" else (spec.height, spec.width, 3)
    found = (-1, 6) if spec.head is Head.END2END else output_shape[1:]
    first: tuple[int, ...] = () if spec.batch is None else (spec.batch,)
    config.input.add(name=spec.input_name, data_type=_DTYPES[spec.dtype], dims=(*first, *picture))
    config.output.add(name=spec.output_name, data_type=_DTYPES[output_dtype], dims=(*first, *found))
    config.instance_group.add(count=INSTANCES, kind="KIND_AUTO")
    if spec.batch is None:
        config.max_batch_size = MAX_BATCH
        config.dynamic_batching.max_queue_delay_microseconds = QUEUE_DELAY_US
        config.dynamic_batching.preferred_batch_size.extend((8, 16, MAX_BATCH))
    return str(text_format.MessageToString(config))

"""Triton's `config.pbtxt` of each model, made from those in `triton_repo`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from google.protobuf import text_format  # type: ignore[import-untyped]  # protobuf ships no types
from tritonclient.grpc import model_config_pb2

from sightline.vision.appearance import AppearanceSpec
from sightline.vision.heads import FINAL_BOXES
from sightline.vision.model import MODEL_FILE, ModelSpec
from sightline.vision.serving import APPEARANCE, DETECTOR, ServingOptions

Networks = Literal["in-process", "python", "onnxruntime", "tensorrt"]
"""Where the networks run: in the analyzer's process, or as Triton models with one of these back ends."""

ANALYZER: Final = "analyzer"
TEMPLATES: Final = Path(__file__).parents[2] / "triton_repo"
PLAN_FILE: Final = "model.plan"
APPEARANCE_DIR: Final = "1/appearance"
SIGHTLINE_PATH: Final = "1/lib"

_APPEARANCE_OUTPUTS = ("embeddings", "probabilities")
_FILES: Final[Mapping[Networks, str]] = {
    "onnxruntime": MODEL_FILE,
    "tensorrt": PLAN_FILE,
    "python": "model.py",
}
_TYPES: Final = {"float32": "TYPE_FP32", "float16": "TYPE_FP16"}


@dataclass(frozen=True)
class TensorForm:
    """A network's input or output.

    Attributes:
        shape: Its shape without the batch.
        dtype: `float32` or `float16`.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"


@dataclass(frozen=True)
class _Tensor:
    name: str
    form: TensorForm


def analyzer_config(
    spec: ModelSpec,
    appearance: AppearanceSpec | None,
    options: ServingOptions,
    *,
    networks: Networks = "in-process",
    instances: int = 1,
    queue_delay_ms: float = 2.0,
) -> str:
    """Make the analyzer's configuration.

    Args:
        spec: What its detector is.
        appearance: What its appearance network is; None for none.
        options: How they run.
        networks: Where they run.
        instances: Copies of the analyzer.
        queue_delay_ms: How long a request waits at most for others to share its batch.
    """
    config = _template(ANALYZER)
    config.instance_group[0].count = instances
    config.dynamic_batching.max_queue_delay_microseconds = round(queue_delay_ms * 1000)
    if appearance is None:
        kept = [output for output in config.output if output.name not in _APPEARANCE_OUTPUTS]
        del config.output[:]
        config.output.extend(kept)
    where = "in-process" if networks == "in-process" else "triton"
    parameters = {
        **{name: str(value) for name, value in asdict(replace(options, networks=where)).items()},
        "model_dir": "1",
        "appearance_dir": "" if appearance is None else APPEARANCE_DIR,
        "sightline_path": SIGHTLINE_PATH,
        "labels": json.dumps(spec.labels),
        "labels_version": spec.labels_version,
        "attributes": "" if appearance is None else json.dumps(appearance.attributes),
    }
    _tell(config, parameters)
    return str(text_format.MessageToString(config))


def detector_config(
    spec: ModelSpec,
    output: TensorForm,
    networks: Networks = "onnxruntime",
    options: ServingOptions | None = None,
    name: str = DETECTOR,
) -> str:
    """Make the configuration of a detector that is a model of its own.

    A detector of a free batch size gets dynamic batching; one of a fixed size gets whole batches from its
    clients, so its first axis is a dimension like the others.

    Args:
        spec: What it is.
        output: Its output, as a run of it gave it: Triton compares this with the file.
        networks: The back end.
        options: How it runs on a processor; None for the defaults.
        name: The Triton model's name.
    """
    # How many detections an end-to-end model gives may depend on the picture.
    found = (-1, *output.shape[1:]) if spec.head in FINAL_BOXES else output.shape
    first = () if spec.batch is None else (spec.batch,)
    pictures = _Tensor(spec.input_name, TensorForm((*first, *spec.signature.input_shape), spec.dtype))
    outputs = [_Tensor(spec.output_name, TensorForm((*first, *found), output.dtype))]
    config = _network(DETECTOR, networks, options or ServingOptions(), pictures, outputs)
    config.name = name
    if spec.batch is not None:
        config.max_batch_size = 0
        config.ClearField("dynamic_batching")
    return str(text_format.MessageToString(config))


def appearance_config(
    spec: AppearanceSpec,
    networks: Networks = "onnxruntime",
    options: ServingOptions | None = None,
    name: str = APPEARANCE,
) -> str:
    """Make the configuration of an appearance network that is a model of its own; see `detector_config`."""
    options = options or ServingOptions()
    crops = _Tensor(spec.input_name, TensorForm(spec.signature.input_shape))
    outputs = [
        _Tensor(spec.embedding_name, TensorForm((spec.embedding_width,))),
        _Tensor(spec.probabilities_name, TensorForm((len(spec.attributes),))),
    ]
    config = _network(APPEARANCE, networks, options, crops, outputs)
    config.name = name
    return str(text_format.MessageToString(config))


def _network(
    name: str, networks: Networks, options: ServingOptions, pixels: _Tensor, outputs: Sequence[_Tensor]
) -> Any:
    config = _template(name)
    config.backend = networks
    config.default_model_filename = _FILES[networks]
    del config.input[:], config.output[:]
    for tensors, target in (([pixels], config.input), (outputs, config.output)):
        for tensor in tensors:
            target.add(name=tensor.name, dims=tensor.form.shape, data_type=_TYPES[tensor.form.dtype])
    if networks == "tensorrt":
        config.instance_group[0].kind = model_config_pb2.ModelInstanceGroup.KIND_GPU
    if networks == "python":
        del config.instance_group[:]
        config.instance_group.add(kind="KIND_CPU", count=1)
        parameters = {
            "sightline_path": f"../{ANALYZER}/{SIGHTLINE_PATH}",
            "threads_per_run": str(options.threads_per_run),
            "parallel_runs": str(options.parallel_runs),
        }
        _tell(config, parameters)
    return config


def _template(name: str) -> Any:
    config: Any = model_config_pb2.ModelConfig()
    return text_format.Parse((TEMPLATES / name / "config.pbtxt").read_text(encoding="utf-8"), config)


def _tell(config: Any, parameters: Mapping[str, str]) -> None:
    for name, value in parameters.items():
        config.parameters[name].string_value = value

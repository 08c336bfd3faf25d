"""What Triton's `analyzer` does, without Triton: load a detector by parameters, and answer requests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.analyze import Map, analyze, pack
from sightline.vision.detector import Detector
from sightline.vision.model import MODEL_FILE, ModelSpec, load_spec
from sightline.vision.onnx_backend import OnnxBackend, OnnxOptions


@dataclass(frozen=True)
class ServingOptions:
    """How the analyzer runs; each field is a parameter of the same name in its `config.pbtxt`.

    Attributes:
        score_threshold: Detections from this score up are given, 0..1.
        nms_iou: Of two boxes of one class that overlap more than this, the better one stays, 0..1.
        max_detections: The most detections per picture.
        device: `cpu` or `cuda`.
        threads_per_run: See `OnnxOptions`.
        parallel_runs: See `OnnxOptions`.
        decode_threads: Threads that decode JPEGs.
    """

    score_threshold: float = 0.1
    nms_iou: float = 0.7
    max_detections: int = 300
    device: str = "cpu"
    threads_per_run: int = 1
    parallel_runs: int = 2
    decode_threads: int = 2

    def __post_init__(self) -> None:
        for name in ("score_threshold", "nms_iou"):
            if not 0 <= getattr(self, name) <= 1:
                raise SightlineError(f"The analyzer's {name} is {getattr(self, name)}.", "Give 0 to 1.")
        for name in ("max_detections", "threads_per_run", "parallel_runs", "decode_threads"):
            if getattr(self, name) < 1:
                raise SightlineError(f"The analyzer's {name} is {getattr(self, name)}.", "Give 1 or more.")
        if self.device not in ("cpu", "cuda"):
            raise SightlineError(f"The analyzer's device is {self.device!r}.", "Give cpu or cuda.")


class Served:
    """A loaded detector that answers requests. For one thread at a time."""

    def __init__(self, spec: ModelSpec, backend: OnnxBackend, options: ServingOptions) -> None:
        self._backend = backend
        self._detector = Detector(
            spec, backend, options.score_threshold, options.nms_iou, options.max_detections
        )
        self.decode_threads = options.decode_threads

    def answer(
        self, jpegs: Sequence[bytes], sizes: Sequence[int], decode_map: Map
    ) -> list[dict[str, NDArray[Any]]]:
        """Analyze the JPEGs of several requests in one batch.

        Args:
            jpegs: All requests' JPEGs, one request after the other.
            sizes: How many JPEGs each request has.
            decode_map: See `analyze`.

        Returns:
            Each request's arrays (see `pack`), padded to its own largest count.
        """
        analyses = analyze(jpegs, self._detector, decode_map)
        answers, start = [], 0
        for size in sizes:
            answers.append(pack(analyses[start : start + size]))
            start += size
        return answers

    def close(self) -> None:
        """Stop the model's threads."""
        self._backend.close()


def load_served(folder: Path, parameters: Mapping[str, str]) -> Served:
    """Load what a Triton model's parameters describe.

    Args:
        folder: The Triton model's folder, which `model_dir` is relative to.
        parameters: The parameters of `config.pbtxt`.

    Raises:
        SightlineError: A parameter or the model cannot be used.
    """
    options = read_options(parameters)
    model_dir = folder / parameters.get("model_dir", "1")
    spec = load_spec(model_dir)
    told = parameters.get("labels", "")
    if told and json.loads(told) != list(spec.labels):
        raise SightlineError(
            f"The labels in config.pbtxt are not those of {model_dir / 'model.json'}.",
            "Write the model repository anew.",
        )
    device: Literal["cpu", "cuda"] = "cuda" if options.device == "cuda" else "cpu"
    onnx_options = OnnxOptions(options.threads_per_run, options.parallel_runs, device=device)
    backend = OnnxBackend(model_dir / MODEL_FILE, onnx_options, (spec.output_name,))
    return Served(spec, backend, options)


def read_options(parameters: Mapping[str, str]) -> ServingOptions:
    """Read the options among a Triton model's parameters; those that are missing have their defaults.

    Raises:
        SightlineError: A value is not of the right kind or out of range.
    """
    defaults = ServingOptions()
    values: dict[str, Any] = {}
    for name, default in vars(defaults).items():
        if name not in parameters:
            continue
        try:
            values[name] = type(default)(parameters[name])
        except ValueError as error:
            kind = "a whole number" if isinstance(default, int) else "a number"
            raise SightlineError(
                f"The analyzer's parameter {name} is {parameters[name]!r}.", f"Give {kind}."
            ) from error
    return ServingOptions(**values)

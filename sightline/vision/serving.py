"""What Triton's `analyzer` does, without Triton: load networks by parameters, and answer requests."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.analyze import Map, analyze, pack
from sightline.vision.appearance import APPEARANCE_FILE, AppearanceSpec, load_appearance_spec
from sightline.vision.backend import Backend, Signature
from sightline.vision.detector import Detector
from sightline.vision.engines import FASTEST_FIRST, is_built, open_engine
from sightline.vision.model import MODEL_FILE, SPEC_FILE, ModelSpec, load_spec
from sightline.vision.onnx_backend import OnnxBackend, OnnxOptions
from sightline.vision.recognizer import Appearance, Recognizer
from sightline.vision.tensorrt_backend import TensorRtBackend
from sightline.vision.tensorrt_build import Precision

DETECTOR: Final = "detector"
APPEARANCE: Final = "appearance"


class ClosableBackend(Backend, Protocol):
    """A back end that holds threads."""

    def close(self) -> None:
        """Stop them."""
        ...


OpenRemote = Callable[[str, str, Sequence[str], int], ClosableBackend]
"""Opens a Triton model by its name, its input, the outputs to give, and the requests to cut a batch into."""


@dataclass(frozen=True)
class ServingOptions:
    """How the analyzer runs; each field is a parameter of the same name in its `config.pbtxt`.

    Attributes:
        score_threshold: Detections from this score up are given, 0..1.
        nms_iou: Of two boxes of one class that overlap more than this, the better one stays, 0..1.
        max_detections: The most detections per picture.
        appearance_score_threshold: The appearance network looks at detections from this score up, 0..1.
        networks: Where the networks run: `in-process`, or `triton` for models of Triton's own, which have
            the names `DETECTOR` and `APPEARANCE`.
        backend: What runs the networks in this process: `onnx`, or `tensorrt` (engines of `models build`; an
            appearance network of which none was built stays with ONNX Runtime).
        precision: Which engines these are, `fp32`, `fp16` or `int8`; empty for the narrowest that was built.
        engines: The folder of the detector's engines; empty for beside the ONNX file.
        appearance_engines: The same of the appearance network.
        device: Where ONNX Runtime runs networks in this process, `cpu` or `cuda`.
        threads_per_run: See `OnnxOptions`.
        parallel_runs: See `OnnxOptions`.
        decode_threads: Threads that decode JPEGs.
    """

    score_threshold: float = 0.1
    nms_iou: float = 0.7
    max_detections: int = 300
    appearance_score_threshold: float = 0.25
    networks: str = "in-process"
    backend: str = "onnx"
    precision: str = ""
    engines: str = ""
    appearance_engines: str = ""
    device: str = "cpu"
    threads_per_run: int = 1
    parallel_runs: int = 2
    decode_threads: int = 2

    def __post_init__(self) -> None:
        for name in ("score_threshold", "nms_iou", "appearance_score_threshold"):
            if not 0 <= getattr(self, name) <= 1:
                raise SightlineError(f"The analyzer's {name} is {getattr(self, name)}.", "Give 0 to 1.")
        for name in ("max_detections", "threads_per_run", "parallel_runs", "decode_threads"):
            if getattr(self, name) < 1:
                raise SightlineError(f"The analyzer's {name} is {getattr(self, name)}.", "Give 1 or more.")
        for name, allowed in (
            ("networks", ("in-process", "triton")),
            ("backend", ("onnx", "tensorrt")),
            ("precision", ("", *FASTEST_FIRST)),
            ("device", ("cpu", "cuda")),
        ):
            if getattr(self, name) not in allowed:
                raise SightlineError(
                    f"The analyzer's {name} is {getattr(self, name)!r}.",
                    f"Give {' or '.join(filter(None, allowed))}.",
                )


class Served:
    """Loaded networks that answer requests. For one thread at a time."""

    def __init__(self, recognizer: Recognizer, decode_threads: int, resources: ExitStack) -> None:
        """Put together what `load_served` loaded; `resources` is closed at the end."""
        self._recognizer = recognizer
        self._resources = resources
        self.decode_threads = decode_threads

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
        analyses = analyze(jpegs, self._recognizer, decode_map)
        answers, start = [], 0
        for size in sizes:
            answers.append(pack(analyses[start : start + size], self._recognizer.appearance))
            start += size
        return answers

    def close(self) -> None:
        """Stop the networks' threads."""
        self._resources.close()


def load_served(folder: Path, parameters: Mapping[str, str], open_remote: OpenRemote | None = None) -> Served:
    """Load what a Triton model's parameters describe.

    Args:
        folder: The Triton model's folder, which `model_dir` and `appearance_dir` are relative to.
        parameters: The parameters of `config.pbtxt`.
        open_remote: Opens networks that are Triton models of their own.

    Raises:
        SightlineError: A parameter or a network cannot be used.
    """
    model_dir = folder / parameters.get("model_dir", "1")
    spec = load_spec(model_dir)
    _check_names(parameters.get("labels", ""), spec.labels, model_dir / SPEC_FILE)
    appearance = None
    if parameters.get("appearance_dir"):
        appearance_dir = folder / parameters["appearance_dir"]
        look = load_appearance_spec(appearance_dir)
        _check_names(parameters.get("attributes", ""), look.attributes, appearance_dir / APPEARANCE_FILE)
        appearance = (appearance_dir / MODEL_FILE, look)
    return open_served(model_dir / MODEL_FILE, spec, appearance, read_options(parameters), open_remote)


def open_served(
    detector: Path,
    spec: ModelSpec,
    appearance: tuple[Path, AppearanceSpec] | None,
    options: ServingOptions,
    open_remote: OpenRemote | None = None,
) -> Served:
    """Open the networks.

    Args:
        detector: The detector's ONNX file, if it is to run in this process.
        spec: What it is.
        appearance: The same of the appearance network; None for none.
        options: How they run.
        open_remote: Opens networks that are Triton models of their own.

    Raises:
        SightlineError: A network cannot be used.
    """
    with ExitStack() as resources:

        def open_network(name: str, file: Path, signature: Signature) -> Backend:
            if options.networks == "triton":
                if open_remote is None:
                    raise SightlineError(f"The network {name} is a model of Triton's, and this is no Triton.")
                remote = open_remote(
                    name, signature.input_name, signature.output_names, options.parallel_runs
                )
                resources.callback(remote.close)
                return remote
            if options.backend == "tensorrt" and _has_engine(name, file, options):
                return resources.enter_context(_open_engine(name, file, signature, options))
            device: Literal["cpu", "cuda"] = "cuda" if options.device == "cuda" else "cpu"
            onnx_options = OnnxOptions(options.threads_per_run, options.parallel_runs, device=device)
            return resources.enter_context(OnnxBackend(file, onnx_options, signature.output_names))

        backend = open_network(DETECTOR, detector, spec.signature)
        finder = Detector(spec, backend, options.score_threshold, options.nms_iou, options.max_detections)
        looker = None
        if appearance is not None:
            file, look = appearance
            backend = open_network(APPEARANCE, file, look.signature)
            looker = Appearance(look, backend, options.appearance_score_threshold)
        return Served(Recognizer(finder, looker), options.decode_threads, resources.pop_all())


def _has_engine(name: str, file: Path, options: ServingOptions) -> bool:
    """A detector must have one: without, the error of opening it says how to build it."""
    return name == DETECTOR or is_built(file, _precision(options), _engines(name, options))


def _open_engine(name: str, file: Path, signature: Signature, options: ServingOptions) -> TensorRtBackend:
    return open_engine(file, signature, _precision(options), _engines(name, options))


def _precision(options: ServingOptions) -> Precision | None:
    return next((one for one in FASTEST_FIRST if one == options.precision), None)


def _engines(name: str, options: ServingOptions) -> Path | None:
    folder = options.engines if name == DETECTOR else options.appearance_engines
    return Path(folder) if folder else None


def _check_names(told: str, names: Sequence[str], file: Path) -> None:
    if told and json.loads(told) != list(names):
        raise SightlineError(
            f"The names in config.pbtxt are not those of {file}.", "Write the model repository anew."
        )


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

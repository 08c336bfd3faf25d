"""Write a model repository that Triton can serve: the analyzer, its networks, and all the code it needs."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from sightline.errors import SightlineError
from sightline.vision.appearance import AppearanceSpec, save_appearance_spec
from sightline.vision.engines import ENGINES_DIR
from sightline.vision.model import MODEL_FILE, ModelSpec, save_spec
from sightline.vision.model_configs import (
    ANALYZER,
    APPEARANCE_DIR,
    PLAN_FILE,
    SIGHTLINE_PATH,
    TEMPLATES,
    Networks,
    TensorForm,
    analyzer_config,
    appearance_config,
    detector_config,
)
from sightline.vision.onnx_backend import OnnxOptions, open_session, run_session
from sightline.vision.serving import APPEARANCE, DETECTOR, ServingOptions

_CODE: Final = ("__init__.py", "errors.py", "vision")


@dataclass(frozen=True)
class Serving:
    """What a model repository is to serve, and how.

    Attributes:
        detector: The detector's ONNX file.
        spec: What the detector is.
        appearance: The appearance network's ONNX file and what it is; None for none.
        options: How the networks run.
        networks: Where they run.
        instances: How many copies of the analyzer Triton loads.
        queue_delay_ms: How long a request waits at most for others to share its batch.
    """

    detector: Path
    spec: ModelSpec
    appearance: tuple[Path, AppearanceSpec] | None = None
    options: ServingOptions = field(default_factory=ServingOptions)
    networks: Networks = "in-process"
    instances: int = 1
    queue_delay_ms: float = 2.0


@dataclass(frozen=True)
class _Network:
    file: Path
    backend: Networks


def write_repository(folder: Path, serving: Serving) -> Path:
    """Write or rewrite the models `analyzer`, and `detector` and `appearance` if they are to be models too.

    It stands alone: Triton's Python environment needs NumPy below 2, OpenCV and, where networks run in it,
    ONNX Runtime; no Sightline.

    Args:
        folder: The model repository; made if missing.
        serving: What to serve. Its files are linked if they are on the same disk, else copied.

    Returns:
        `folder`, absolute, for Triton's `--model-repository`.

    Raises:
        SightlineError: A network is missing or does not fit, or the folder cannot be written.
    """
    networks = _networks(serving)
    output = None if serving.networks == "in-process" else _detector_output(serving)
    folder = folder.resolve()
    try:
        for name in (ANALYZER, DETECTOR, APPEARANCE):
            shutil.rmtree(folder / name, ignore_errors=True)
        _write_analyzer(folder / ANALYZER, serving, networks)
        if output is not None:
            config = detector_config(serving.spec, output, networks[0].backend, serving.options)
            _write_network(folder / DETECTOR, config, networks[0])
            if serving.appearance is not None:
                spec = serving.appearance[1]
                config = appearance_config(spec, networks[1].backend, serving.options)
                _write_network(folder / APPEARANCE, config, networks[1])
    except OSError as error:
        raise SightlineError(
            f"Cannot write the model repository {folder}: {error}.", "Check the folder's rights and space."
        ) from error
    return folder


def models_in(repository: Path) -> Sequence[str]:
    """The names of the models in a repository."""
    return sorted(config.parent.name for config in repository.glob("*/config.pbtxt"))


def _networks(serving: Serving) -> list[_Network]:
    """The files to serve, the detector's first; each must be there."""
    files = [serving.detector] if serving.appearance is None else [serving.detector, serving.appearance[0]]
    for file in files:
        if not file.is_file():
            raise SightlineError(f"There is no model at {file}.", "Give the path of an ONNX file.")
    networks = [_Network(file, serving.networks) for file in files]
    if serving.networks != "tensorrt":
        return networks
    engines = [_engine(file) for file in files]
    if engines[0] is None:
        raise SightlineError(
            f"There is no TensorRT engine for {serving.detector}.",
            "Build it on the machine that will serve it: sightline models build --target tensorrt.",
        )
    # The appearance network may stay with ONNX Runtime: it is small, and its batches are large.
    return [
        _Network(engine, "tensorrt") if engine else _Network(network.file, "onnxruntime")
        for engine, network in zip(engines, networks, strict=True)
    ]


def _engine(onnx: Path) -> Path | None:
    """The engine beside an ONNX file: `model.plan`, else the only one that was built."""
    named = onnx.with_name(PLAN_FILE)
    if named.is_file():
        return named
    built = sorted((onnx.parent / ENGINES_DIR).glob("*.plan"))
    if len(built) > 1:
        raise SightlineError(
            f"There are {len(built)} TensorRT engines in {onnx.parent / ENGINES_DIR}.",
            f"Copy the one for the GPU of your Triton to {named}.",
        )
    return built[0] if built else None


def _detector_output(serving: Serving) -> TensorForm:
    """Run the detector once: Triton compares the shape with the model's, and a file need not tell it."""
    spec = serving.spec
    if spec.batch is not None:
        raise SightlineError(
            f"The detector {serving.detector} is fixed to a batch of {spec.batch}; Triton cannot batch it.",
            "Export it with a dynamic batch axis, or set triton.networks to in-process.",
        )
    session = open_session(serving.detector, OnnxOptions())
    batch = np.zeros((1, *spec.signature.input_shape), spec.dtype)
    (output,) = run_session(serving.detector, session, [spec.output_name], {spec.input_name: batch})
    return TensorForm(output.shape[1:], str(output.dtype))


def _write_analyzer(model: Path, serving: Serving, networks: Sequence[_Network]) -> None:
    version = model / "1"
    _copy_code(model / SIGHTLINE_PATH / "sightline")
    shutil.copyfile(TEMPLATES / ANALYZER / "1" / "model.py", version / "model.py")
    save_spec(serving.spec, version)
    folders, appearance = [version], None
    if serving.appearance is not None:
        appearance = serving.appearance[1]
        folders.append(model / APPEARANCE_DIR)
        folders[1].mkdir()
        save_appearance_spec(appearance, folders[1])
    if serving.networks == "in-process":
        for network, target in zip(networks, folders, strict=True):
            _link_or_copy(network.file, target / MODEL_FILE)
    config = analyzer_config(
        serving.spec,
        appearance,
        serving.options,
        networks=serving.networks,
        instances=serving.instances,
        queue_delay_ms=serving.queue_delay_ms,
    )
    (model / "config.pbtxt").write_text(config, encoding="utf-8")


def _write_network(model: Path, config: str, network: _Network) -> None:
    version = model / "1"
    version.mkdir(parents=True)
    _link_or_copy(network.file, version / (PLAN_FILE if network.backend == "tensorrt" else MODEL_FILE))
    if network.backend == "python":
        shutil.copyfile(TEMPLATES / "network" / "model.py", version / "model.py")
    (model / "config.pbtxt").write_text(config, encoding="utf-8")


def _copy_code(target: Path) -> None:
    """Copy what the models import; a path to our own environment would give them the wrong libraries too."""
    target.mkdir(parents=True)
    source = Path(__file__).parents[1]
    for name in _CODE:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source / name, target / name)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)

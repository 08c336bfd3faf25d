"""Write a model repository that Triton can serve: the analyzer, its detector, and all the code it needs."""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from google.protobuf import text_format  # type: ignore[import-untyped]  # protobuf ships no types
from tritonclient.grpc import model_config_pb2

from sightline.errors import SightlineError
from sightline.vision.model import MODEL_FILE, ModelSpec, save_spec
from sightline.vision.serving import ServingOptions

MODEL_NAME = "analyzer"

_PROJECT = Path(__file__).parents[2]
_TEMPLATE = _PROJECT / "triton_repo" / MODEL_NAME
_CODE = ("__init__.py", "errors.py", "vision")


def write_repository(
    folder: Path, onnx_path: Path, spec: ModelSpec, options: ServingOptions | None = None, instances: int = 1
) -> Path:
    """Write or rewrite `folder/analyzer`.

    It stands alone: Triton's Python environment needs NumPy below 2, OpenCV and ONNX Runtime, no Sightline.

    Args:
        folder: The model repository; made if missing.
        onnx_path: The detector; linked if it is on the same disk, else copied.
        spec: What the detector is.
        options: How it runs.
        instances: How many copies of it Triton loads.

    Returns:
        `folder`, absolute, for Triton's `--model-repository`.

    Raises:
        SightlineError: The detector is missing, or the folder cannot be written.
    """
    if not onnx_path.is_file():
        raise SightlineError(f"There is no model at {onnx_path}.", "Give the path of an ONNX file.")
    model = folder.resolve() / MODEL_NAME
    try:
        shutil.rmtree(model, ignore_errors=True)
        version = model / "1"
        _copy_code(version / "lib" / "sightline")
        shutil.copyfile(_TEMPLATE / "1" / "model.py", version / "model.py")
        _link_or_copy(onnx_path, version / MODEL_FILE)
        save_spec(spec, version)
        config = config_text(spec, options or ServingOptions(), instances)
        (model / "config.pbtxt").write_text(config, encoding="utf-8")
    except OSError as error:
        raise SightlineError(
            f"Cannot write the model repository {folder}: {error}.", "Check the folder's rights and space."
        ) from error
    return folder.resolve()


def config_text(spec: ModelSpec, options: ServingOptions, instances: int = 1) -> str:
    """Make the analyzer's `config.pbtxt` from the one in `triton_repo`."""
    config: Any = model_config_pb2.ModelConfig()
    text_format.Parse((_TEMPLATE / "config.pbtxt").read_text(encoding="utf-8"), config)
    config.instance_group[0].count = instances
    parameters = {
        **{name: str(value) for name, value in asdict(options).items()},
        "model_dir": "1",
        "sightline_path": "1/lib",
        "labels": json.dumps(spec.labels),
        "labels_version": spec.labels_version,
    }
    for name, value in parameters.items():
        config.parameters[name].string_value = value
    return str(text_format.MessageToString(config))


def _copy_code(target: Path) -> None:
    """Copy what the analyzer imports; a path to our own environment would give it the wrong libraries too."""
    target.mkdir(parents=True)
    source = _PROJECT / "sightline"
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

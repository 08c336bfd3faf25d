"""Writes a model's folder as Triton wants it: `config.pbtxt`, `1/model.onnx`, and beside it what it is."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sightline.errors import SightlineError
from sightline.vision.appearance import APPEARANCE_FILE, AppearanceSpec
from sightline.vision.model import MODEL_FILE, SPEC_FILE, ModelSpec
from sightline.vision.model_configs import TensorForm, appearance_config, detector_config

VERSION_DIR: Final = "1"


@dataclass(frozen=True)
class Contents:
    """What is in a model's folder.

    Attributes:
        onnx: The ONNX file.
        spec_file: The name of the file that says what it is.
        spec: That file's text.
        config: The text of `config.pbtxt`.
    """

    onnx: bytes
    spec_file: str
    spec: str
    config: str


def detector_contents(name: str, onnx: bytes, spec: ModelSpec, output: TensorForm) -> Contents:
    """A detector's folder; `output` is what it gives for one picture."""
    return Contents(onnx, SPEC_FILE, spec.to_json(), detector_config(spec, output, name=name))


def appearance_contents(name: str, onnx: bytes, spec: AppearanceSpec) -> Contents:
    """An appearance network's folder."""
    return Contents(onnx, APPEARANCE_FILE, spec.to_json(), appearance_config(spec, name=name))


@contextmanager
def model_folder(target: Path, contents: Contents) -> Iterator[Path]:
    """Write beside the target and move at the end: nobody sees half a model, a failure leaves the old one.

    Args:
        target: The model's folder; one that is there is replaced.
        contents: What to write.

    Yields:
        The ONNX file of the draft, to try it and to put more beside it.

    Raises:
        SightlineError: The folder cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            version = scratch / "new" / VERSION_DIR
            version.mkdir(parents=True)
            (version / MODEL_FILE).write_bytes(contents.onnx)
            (version / contents.spec_file).write_text(contents.spec, encoding="utf-8")
            (scratch / "new" / "config.pbtxt").write_text(contents.config, encoding="utf-8")
            yield version / MODEL_FILE
            if target.exists():
                os.replace(target, scratch / "old")  # noqa: PTH105  # as the line below, its pair
            os.replace(scratch / "new", target)  # noqa: PTH105  # Path.rename would not replace everywhere
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise SightlineError(
            f"Cannot write the model folder {target}: {error.strerror}.",
            "Check its rights, or name another one.",
        ) from error

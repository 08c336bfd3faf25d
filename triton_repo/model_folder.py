"""Writes a model's folder as Triton wants it: `config.pbtxt`, `1/model.onnx`, `1/model.json`."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sightline.errors import SightlineError
from sightline.vision.model import MODEL_FILE, ModelSpec, save_spec
from sightline.vision.model_configs import TensorForm, detector_config

VERSION_DIR: Final = "1"


@contextmanager
def model_folder(target: Path, data: bytes, spec: ModelSpec, output: TensorForm) -> Iterator[Path]:
    """Write beside the target and move at the end: nobody sees half a model, a failure leaves the old one.

    Args:
        target: The model's folder; one that is there is replaced.
        data: The ONNX file.
        spec: What it is.
        output: What it gives for one picture.

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
            (version / MODEL_FILE).write_bytes(data)
            save_spec(spec, version)
            config = detector_config(spec, output, name=target.name)
            (scratch / "new" / "config.pbtxt").write_text(config, encoding="utf-8")
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

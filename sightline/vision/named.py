"""The model that a user named: a file, and what the user says of it or what lies beside it."""

from pathlib import Path

from sightline.errors import SightlineError
from sightline.vision.describe import describe_onnx
from sightline.vision.heads import Head
from sightline.vision.model import SPEC_FILE, ModelSpec, load_spec


def named_model(path: Path, head: str | None, labels: str | None) -> ModelSpec:
    """What the named model is: checked against its declared head, else as the `model.json` beside it says.

    Args:
        path: The ONNX file.
        head: Its output layout, one of `Head`.
        labels: As for `describe_onnx`.

    Raises:
        SightlineError: The file is missing, nothing says what it is, or it does not fit.
    """
    if not path.is_file():
        raise SightlineError(f"There is no model at {path}.", "Give the path of an ONNX file.")
    if head is not None:
        return describe_onnx(path, Head(head), labels)
    if (path.parent / SPEC_FILE).is_file():
        return load_spec(path.parent)
    heads = ", ".join(each.value for each in Head)
    raise SightlineError(
        f"Nothing says what the output of {path} is.", f"Give --head (model.head): one of {heads}."
    )

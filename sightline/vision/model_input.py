"""The input of an ONNX detector that takes its pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.exporter_metadata import Metadata, told_size
from sightline.vision.heads import InputSize
from sightline.vision.model import Dtype, Layout

DEFAULT_SIZE_PX: Final = 640
"""The input size of a model that takes any and says nothing: what most exporters train with."""

_DTYPES: Final[Mapping[str, Dtype]] = {"tensor(float)": "float32", "tensor(float16)": "float16"}


@dataclass(frozen=True)
class ModelInput:
    """The input that takes pictures.

    Attributes:
        name: The tensor's name.
        layout: The order of its axes.
        dtype: Its type.
        batch: The batch size that it is fixed to, or None if any is taken.
        size: The size of its pictures.
    """

    name: str
    layout: Layout
    dtype: Dtype
    batch: int | None
    size: InputSize

    @property
    def planes(self) -> tuple[int, int, int]:
        """The shape of one picture."""
        width, height = self.size.width, self.size.height
        return (3, height, width) if self.layout == "NCHW" else (height, width, 3)


def picture_input(
    path: Path, session: Any, metadata: Metadata, input_size: InputSize | None = None
) -> ModelInput:
    """Find the input that takes pictures: the only one, or of several the only one that pictures fit.

    Args:
        path: The model, for errors.
        session: It, open.
        metadata: What its exporter wrote.
        input_size: The size to use if its axes are dynamic; None for the exporter's, else 640x640.

    Raises:
        SightlineError: There is none, or it has another size.
    """
    inputs = session.get_inputs()
    pictures = [one for one in inputs if len(one.shape or ()) == 4]
    if len(inputs) != 1 and len(pictures) != 1:
        raise _too_many_inputs(path, inputs)
    found = inputs[0] if len(inputs) == 1 else pictures[0]
    dtype = _DTYPES.get(found.type)
    if dtype is None:
        raise SightlineError(
            f"The input {found.name!r} of {path} is {found.type}; expected float32 or float16.",
            "Export the model with a float input.",
        )
    shape = [axis if isinstance(axis, int) and axis > 0 else None for axis in found.shape]
    if len(shape) != 4 or 3 not in (shape[1], shape[3]):
        if len(shape) != 4 or (shape[1], shape[3]) != (None, None):
            raise SightlineError(
                f"The input {found.name!r} of {path} has the shape {found.shape}; expected 4 axes, with 3 "
                "channels in the second (NCHW) or in the last (NHWC).",
                "Export the model with such an input.",
            )
        shape[1] = 3  # some exporters leave all axes open; those that put the channels last never do
    layout: Layout = "NCHW" if shape[1] == 3 else "NHWC"
    height, width = shape[2:] if layout == "NCHW" else shape[1:3]
    size = input_size or told_size(metadata) or InputSize(DEFAULT_SIZE_PX, DEFAULT_SIZE_PX)
    if input_size is not None and ((width or size.width), (height or size.height)) != (
        size.width,
        size.height,
    ):
        raise SightlineError(
            f"The input of {path} is fixed to {width}x{height}, not {size.width}x{size.height}.",
            "Leave the input size out.",
        )
    size = InputSize(width or size.width, height or size.height)
    return ModelInput(found.name, layout, dtype, shape[0], size)


def takes_many(
    session: Any,
    pictures: ModelInput,
    outputs: Sequence[str],
    extras: Mapping[str, NDArray[Any]] = MappingProxyType({}),
) -> bool:
    """Whether a model whose batch axis is open takes two pictures: many exports have one built in elsewhere.

    Args:
        session: The model, open.
        pictures: Its input for pictures; one of a fixed batch is believed.
        outputs: The outputs that are to have a row for each picture.
        extras: What its other inputs get for one picture.
    """
    if pictures.batch is not None:
        return True
    blank = np.zeros((2, *pictures.planes), pictures.dtype)
    both = {name: np.concatenate((one, one)) for name, one in extras.items()}
    try:
        found = session.run(list(outputs), {pictures.name: blank, **both})
    except Exception:  # ONNX Runtime's errors have no other common base
        return False
    return all(len(output.shape) > 0 and output.shape[0] == 2 for output in found)


def refuse_more_inputs(path: Path, session: Any) -> None:
    """Refuse a model that wants more than pictures; raises SightlineError."""
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise _too_many_inputs(path, inputs)


def _too_many_inputs(path: Path, inputs: Sequence[Any]) -> SightlineError:
    return SightlineError(
        f"The model {path} has {len(inputs)} inputs ({', '.join(one.name for one in inputs)}); "
        "a detector has one, the pictures.",
        "`sightline models add` sets those of the DETR family; else export the model with the others set to "
        "constants.",
    )

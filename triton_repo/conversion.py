"""What `sightline models build` must know of a network, whatever kind it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from sightline.vision.backend import Backend, Signature
from sightline.vision.engines import Accuracy
from triton_repo.model_folder import Contents

Kind = Literal["detector", "appearance"]


class Conversion(Protocol):
    """How one network is fed, measured and written when it is converted.

    Making one reads no pictures; `calibration` and `compare` read them when they are first asked. So what is
    missing of libraries or GPUs is told before.
    """

    @property
    def kind(self) -> Kind:
        """What the network is for."""
        ...

    @property
    def onnx(self) -> Path:
        """The original's file."""
        ...

    @property
    def signature(self) -> Signature:
        """Its input and outputs, which a conversion leaves as they are."""
        ...

    def calibration(self) -> Iterator[NDArray[Any]]:
        """Inputs as in use, each of the network's batch size, that show which values its layers have.

        Raises:
            SightlineError: There are no pictures to make them of.
        """
        ...

    def compare(self, original: Backend, converted: Backend) -> Accuracy:
        """Measure both on the same pictures, none of which is used in `calibration`.

        Raises:
            SightlineError: There are no pictures, or the original is too bad on them to compare with.
        """
        ...

    def contents(self, name: str, data: bytes) -> Contents:
        """What is in the folder of a converted ONNX file; `name` is the model's."""
        ...

"""The detector of a gateway that detects by itself."""

from collections.abc import Sequence
from typing import Protocol

from producers.sources import Image
from sightline.vision.appearance import AppearanceSpec
from sightline.vision.detector import Detected
from sightline.vision.model import ModelSpec


class DetectorLike(Protocol):
    """What a gateway needs of a detector; `sightline.vision.recognizer.Recognizer` is one."""

    @property
    def spec(self) -> ModelSpec:
        """What the model is; its labels and their version go into the messages."""
        ...

    @property
    def appearance(self) -> AppearanceSpec | None:
        """The network that looked at the detections; its attributes go into the messages."""
        ...

    def detect(self, images: Sequence[Image]) -> list[Detected]:
        """One result for each picture; raises `SightlineError`. Called by one thread at a time."""
        ...

"""The scenes, and what there is to see in them. Models are trained on the order of classes and attributes."""

from dataclasses import dataclass
from typing import Final

KINDS: Final = ("junction", "footpath", "dock")
LIGHTS: Final = ("day", "dusk", "night")
WEATHERS: Final = ("clear", "rain")

CLASSES: Final = ("car", "truck", "bus", "bicycle", "person")
ATTRIBUTES: Final = (
    "car-red",
    "car-blue",
    "car-white",
    "car-taxi",
    "truck-box",
    "truck-tanker",
    "bus-city",
    "bus-school",
    "bicycle-plain",
    "bicycle-courier",
    "person-casual",
    "person-worker",
)
"""Finer kinds; the part before the hyphen is the class."""


def class_of(attribute: int) -> int:
    """The class of an attribute, both as indices."""
    return CLASSES.index(ATTRIBUTES[attribute].partition("-")[0])


@dataclass(frozen=True)
class SceneSettings:
    """What a synthetic camera shows.

    Attributes:
        kind: One of KINDS.
        seed: Everything that is drawn by lot follows from it; 0 or more.
        fps: Frames a second.
        seconds: Its length, or None for no end.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels. All layouts are made for 16:9; of another shape, the view is cut.
        density: How much traffic there is; 1 is usual.
        light: One of LIGHTS, or auto: by the seed.
        weather: One of WEATHERS, or auto: by the seed.
    """

    kind: str
    seed: int
    fps: float = 30.0
    seconds: float | None = None
    width: int = 640
    height: int = 360
    density: float = 1.0
    light: str = "auto"
    weather: str = "auto"

    @property
    def frames(self) -> int | None:
        """How many frames there are, or None for no end."""
        return None if self.seconds is None else max(1, round(self.seconds * self.fps))

    def time_ns(self, index: int) -> int:
        """When frame `index` is, in nanoseconds since the first."""
        return round(index * 1e9 / self.fps)

"""What the simple synthetic cameras draw and the demo detector finds, agreed in one place.

A picture for the demo detector holds filled shapes of these kinds on a nearly grey background. The detector
tells kinds apart by colour alone and measures each box from the shape's pixels, so:

- draw with these exact colours, without outlines, shading or see-through;
- the background's three channels differ by at most `BACKGROUND_MAX_CHROMA` at each pixel (its brightness is
  free, so lanes and kerbs may be drawn in greys), noise of a few levels included;
- sizes may be scaled by `MIN_SCALE` to `MAX_SCALE`; shapes of the same kind that touch are seen as one.
"""

from dataclasses import dataclass
from typing import Literal

PICTURE_WIDTH_PX = 640
PICTURE_HEIGHT_PX = 360
"""The picture size that the kinds' sizes refer to; scale them with the picture."""

MIN_SCALE = 0.8
MAX_SCALE = 1.25

BACKGROUND_MAX_CHROMA = 30
"""Largest difference between two channels of a background pixel, in levels of 0..255."""


@dataclass(frozen=True)
class Kind:
    """One kind of object.

    Attributes:
        name: Its class name.
        bgr: Its colour, blue, green, red, 0..255.
        width_px: Its box's width in a picture of 640x360.
        height_px: Its box's height in a picture of 640x360.
        shape: A rectangle that fills the box, or the ellipse inside it.
    """

    name: str
    bgr: tuple[int, int, int]
    width_px: int
    height_px: int
    shape: Literal["rectangle", "ellipse"]


PALETTE: tuple[Kind, ...] = (
    Kind("car", (40, 40, 220), 64, 32, "rectangle"),
    Kind("truck", (220, 80, 30), 96, 44, "rectangle"),
    Kind("person", (50, 180, 40), 24, 56, "ellipse"),
    Kind("bicycle", (30, 215, 235), 44, 36, "ellipse"),
)
"""The kinds in the order of their class ids."""

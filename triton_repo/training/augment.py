"""Variety for the detector's training: pictures are placed, mirrored, lit and coloured a little otherwise."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.vision.heads import InputSize
from sightline.vision.letterbox import fit

Image = NDArray[np.uint8]
Boxes = NDArray[np.float32]

MIN_VISIBILITY: Final = 0.25
"""Of an object of which less can be seen, nobody can say where it ends: it may be found or not."""

MIN_SIDE_PX: Final = 8.0
"""The same for one that is thinner or lower than this in the source picture."""

PAD_VALUE: Final = 114


@dataclass(frozen=True)
class Variety:
    """How much pictures are varied.

    Attributes:
        zoom: The largest change of size, as a factor up or down.
        shift: The largest shift, as a share of the input's size.
        flip: The share of pictures that are mirrored.
        gain: The largest change of contrast, as a share.
        lift: The largest change of brightness, in levels of 255.
        gamma: The largest exponent of the tone curve, and the inverse of the smallest.
        tint: The largest change of one colour against the others, as a share.
        as_is: The share of pictures that are only mirrored.
    """

    zoom: float = 1.3
    shift: float = 0.12
    flip: float = 0.5
    gain: float = 0.25
    lift: float = 18.0
    gamma: float = 1.3
    tint: float = 0.06
    as_is: float = 0.3


def is_ignored(boxes: Boxes, visibility: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which objects may be found or not.

    Args:
        boxes: (N, 4), x1 y1 x2 y2 in source pixels, clipped to the picture.
        visibility: (N,), 0..1.

    Returns:
        bool (N,).
    """
    sides = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf)
    ignored: NDArray[np.bool_] = (visibility < MIN_VISIBILITY) | (sides < MIN_SIDE_PX)
    return ignored


@dataclass(frozen=True)
class Placement:
    """Where a source picture lies in an input: input = scale * source + offset, mirrored after that.

    Attributes:
        scale: x and y, input pixels per source pixel.
        offset: x and y, in input pixels.
        size: The input's size.
        mirrored: Left and right are swapped.
    """

    scale: tuple[float, float]
    offset: tuple[float, float]
    size: InputSize
    mirrored: bool

    def place(self, image: Image) -> Image:
        """Draw the picture: uint8 (height, width, 3), the rest grey."""
        # Pixel i covers i to i + 1, so centres are half a pixel further.
        (sx, sy), (ox, oy) = self.scale, self.offset
        shift_x, shift_y = ox + 0.5 * sx - 0.5, oy + 0.5 * sy - 0.5
        if self.mirrored:
            sx, shift_x = -sx, self.size.width - 1 - shift_x
        matrix = np.array([[sx, 0.0, shift_x], [0.0, sy, shift_y]])
        placed = cv2.warpAffine(
            image,
            matrix,
            (self.size.width, self.size.height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(PAD_VALUE,) * 3,
        )
        return np.asarray(placed, dtype=np.uint8)

    def move(self, boxes: Boxes) -> Boxes:
        """Boxes (N, 4), x1 y1 x2 y2, from source pixels to input pixels, not clipped."""
        moved = boxes * np.array(self.scale * 2, dtype=np.float32) + np.array(
            self.offset * 2, dtype=np.float32
        )
        if self.mirrored:
            moved[:, [0, 2]] = self.size.width - moved[:, [2, 0]]
        return moved


def draw_placement(
    width: int, height: int, size: InputSize, variety: Variety, rng: np.random.Generator
) -> Placement:
    """Draw where a picture of `width` x `height` lies, about where it does when the model is used."""
    box = fit(width, height, size.width, size.height, "centre")
    scale_x, scale_y = box.inner_width / width, box.inner_height / height
    left, top = float(box.left), float(box.top)
    mirrored = bool(rng.random() < variety.flip)
    if rng.random() >= variety.as_is:
        zoom = float(variety.zoom ** rng.uniform(-1, 1))
        shift = rng.uniform(-variety.shift, variety.shift, 2)
        left = size.width / 2 + (left - size.width / 2) * zoom + float(shift[0]) * size.width
        top = size.height / 2 + (top - size.height / 2) * zoom + float(shift[1]) * size.height
        scale_x, scale_y = scale_x * zoom, scale_y * zoom
    return Placement((scale_x, scale_y), (left, top), size, mirrored)


def relight(image: Image, variety: Variety, rng: np.random.Generator) -> Image:
    """Change contrast, brightness, tone curve and tint of a BGR picture."""
    level = np.arange(256) / 255
    gain, lift = 1 + rng.uniform(-variety.gain, variety.gain), rng.uniform(-variety.lift, variety.lift)
    curve = level ** (variety.gamma ** rng.uniform(-1, 1)) * gain * 255 + lift
    tint = 1 + rng.uniform(-variety.tint, variety.tint, 3)
    table = np.clip(curve[:, None] * tint, 0, 255).round().astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), dtype=np.uint8)


def clip_boxes(boxes: Boxes, size: InputSize) -> tuple[Boxes, NDArray[np.float32]]:
    """Cut boxes (N, 4) at the input's sides; returns them, and which share of each is left, float32 (N,)."""
    limit = np.array((size.width, size.height) * 2, dtype=np.float32)
    clipped = np.clip(boxes, 0, limit)
    left = (clipped[:, 2:] - clipped[:, :2]).prod(axis=1)
    whole = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-6)
    return clipped, (left / whole).astype(np.float32)

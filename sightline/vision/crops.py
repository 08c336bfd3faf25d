"""Cutting detected objects out of pictures, as an appearance network sees them. Training cuts by this too."""

from math import ceil, floor
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.vision.appearance import AppearanceSpec

Image = NDArray[np.uint8]


def crop_rectangle(box: NDArray[np.float32], width: int, height: int) -> tuple[int, int, int, int]:
    """The whole pixels that a box touches, inside the picture.

    Args:
        box: (4,) x1, y1, x2, y2 in pixels, finite.
        width: The picture's width in pixels.
        height: The picture's height in pixels.

    Returns:
        Left, top, right and bottom; at least one pixel in each direction, also for a box that is outside.
    """
    x1, y1, x2, y2 = (float(side) for side in box)
    left, top = min(max(floor(x1), 0), width - 1), min(max(floor(y1), 0), height - 1)
    right, bottom = min(max(ceil(x2), left + 1), width), min(max(ceil(y2), top + 1), height)
    return left, top, right, bottom


def cut(image: Image, box: NDArray[np.float32], target: Image) -> None:
    """Stretch a box's pixels to a crop (bilinear, in place).

    Args:
        image: uint8 (H, W, 3). It is read where the box is, and not copied.
        box: (4,) x1, y1, x2, y2 in pixels, finite.
        target: uint8 (h, w, 3), contiguous, to be filled.
    """
    left, top, right, bottom = crop_rectangle(box, image.shape[1], image.shape[0])
    size = (target.shape[1], target.shape[0])
    cv2.resize(image[top:bottom, left:right], size, dst=target, interpolation=cv2.INTER_LINEAR)


def to_input(crops: Image, spec: AppearanceSpec, out: NDArray[Any]) -> None:
    """Turn crops into a network's input, in place.

    Args:
        crops: uint8 (N, h, w, 3), BGR.
        spec: Tells the channels' order and the scale.
        out: float32 (N, 3, h, w), to be filled.
    """
    ordered = crops[..., ::-1] if spec.colour == "RGB" else crops
    np.multiply(ordered.transpose(0, 3, 1, 2), np.float32(spec.scale), out=out, dtype=np.float32)

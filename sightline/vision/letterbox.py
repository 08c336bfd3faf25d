"""Letterbox: fit a picture into a model's input, mostly without changing its shape, and map boxes back."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Position = Literal["top-left", "centre", "stretch"]
"""Where the picture lies: in the corner with all padding right and below, in the middle, or stretched over
the whole input without padding."""


@dataclass(frozen=True)
class Letterbox:
    """Where a source picture lies in a model's input; all sizes in pixels.

    The picture's content is scaled to `inner_width` x `inner_height` and lies `left`, `top` from the corner.
    Each axis has a scale of its own (inner / source), as the inner size is rounded to whole pixels: only so
    is the inverse exact.
    """

    source_width: int
    source_height: int
    width: int
    height: int
    inner_width: int
    inner_height: int
    left: int
    top: int

    def to_input(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map boxes (N, 4), x1 y1 x2 y2, from source pixels to input pixels (float32, a new array)."""
        return (boxes * self._scale() + self._offset()).astype(np.float32)

    def to_source(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map boxes (N, 4), x1 y1 x2 y2, from input pixels to source pixels, clipped to the picture.

        Returns:
            A new float32 array (N, 4) with x in 0..source_width and y in 0..source_height.
        """
        mapped = (boxes - self._offset()) / self._scale()
        limit = (self.source_width, self.source_height) * 2
        return np.clip(mapped, 0.0, np.array(limit)).astype(np.float32)

    def _scale(self) -> NDArray[np.float64]:
        x, y = self.inner_width / self.source_width, self.inner_height / self.source_height
        return np.array((x, y, x, y))

    def _offset(self) -> NDArray[np.float64]:
        return np.array((self.left, self.top) * 2, dtype=np.float64)


def fit(source_width: int, source_height: int, width: int, height: int, position: Position) -> Letterbox:
    """Fit a picture of any size into an input of `width` x `height`, as large as it goes.

    `top-left` rounds the inner size down and pads right and below (as YOLOX does); `centre` rounds to the
    nearest and pads on both sides, the odd pixel right and below (as Ultralytics does). `stretch` fills the
    whole input and changes the picture's shape (as RT-DETR does).

    Raises:
        ValueError: A size is not positive.
    """
    if min(source_width, source_height, width, height) < 1:
        raise ValueError(f"cannot fit {source_width}x{source_height} into {width}x{height}: not positive")
    if position == "stretch":
        return Letterbox(source_width, source_height, width, height, width, height, 0, 0)
    ratio = min(width / source_width, height / source_height)
    centred = position == "centre"
    inner_width = _scaled(source_width, ratio, width, nearest=centred)
    inner_height = _scaled(source_height, ratio, height, nearest=centred)
    left = (width - inner_width) // 2 if centred else 0
    top = (height - inner_height) // 2 if centred else 0
    return Letterbox(source_width, source_height, width, height, inner_width, inner_height, left, top)


def _scaled(size: int, ratio: float, limit: int, *, nearest: bool) -> int:
    # The small addend undoes float noise: 415.99999999 is 416, the side that the ratio was made from.
    scaled = round(size * ratio) if nearest else int(size * ratio + 1e-6)
    return min(max(scaled, 1), limit)

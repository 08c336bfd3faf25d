"""From pictures to a model's input batch."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.vision.letterbox import Letterbox, fit
from sightline.vision.model import ModelSpec


class Preprocessor:
    """Letterboxes pictures into one batch. For one thread at a time: it reuses its memory."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        feed = spec.preprocessing
        mean, deviation = np.array(feed.mean, np.float32), np.array(feed.deviation, np.float32)
        self._scales = np.float32(feed.scale) / deviation
        self._offsets = -mean / deviation
        self._shifts = bool(mean.any())
        self._pads = (feed.pad_value * self._scales + self._offsets)[:, None, None]
        self._buffer = self._allocate(1)
        self._boxes: list[Letterbox | None] = [None]

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[Any], list[Letterbox]]:
        """Make a batch.

        Args:
            images: uint8 (height, width, 3), BGR, of any sizes.

        Returns:
            The batch, of the spec's layout and dtype, valid until the next call; and where each picture lies.

        Raises:
            ValueError: A picture has another shape or dtype.
        """
        if len(images) > len(self._buffer):
            self._buffer = self._allocate(len(images))
            self._boxes = [None] * len(images)
        letterboxes = [self._fill(index, image) for index, image in enumerate(images)]
        return self._buffer[: len(images)], letterboxes

    def _allocate(self, count: int) -> NDArray[Any]:
        spec = self._spec
        planes = (3, spec.height, spec.width) if spec.layout == "NCHW" else (spec.height, spec.width, 3)
        return np.empty((count, *planes), dtype=spec.dtype)

    def _fill(self, index: int, image: NDArray[np.uint8]) -> Letterbox:
        spec = self._spec
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ValueError(f"a picture is uint8 (height, width, 3), not {image.dtype} {image.shape}")
        height, width = image.shape[:2]
        box = fit(width, height, spec.width, spec.height, spec.preprocessing.position)
        if (box.inner_width, box.inner_height) != (width, height):
            inner = (box.inner_width, box.inner_height)
            image = np.asarray(cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
        target = self._buffer[index] if spec.layout == "NCHW" else self._buffer[index].transpose(2, 0, 1)
        if self._boxes[index] != box:
            target[...] = self._pads  # padding stays from picture to picture as long as their size does
            self._boxes[index] = box
        rows = slice(box.top, box.top + box.inner_height)
        columns = slice(box.left, box.left + box.inner_width)
        order = (0, 1, 2) if spec.preprocessing.colour == "BGR" else (2, 1, 0)
        # Splitting first is faster: the multiplication then reads and writes whole rows.
        planes = cv2.split(image)
        for channel, source in enumerate(order):
            inside = target[channel, rows, columns]
            np.multiply(
                planes[source], self._scales[channel], out=inside, dtype=np.float32, casting="same_kind"
            )
            if self._shifts:
                np.add(inside, self._offsets[channel], out=inside, dtype=np.float32, casting="same_kind")
        return box

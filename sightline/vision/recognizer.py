"""A detector and an appearance network in a row: pictures in; boxes, embeddings and probabilities out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.agreement import agreed, class_shares
from sightline.vision.appearance import AppearanceSpec
from sightline.vision.backend import Arrays, Backend
from sightline.vision.crops import Image, cut, to_input
from sightline.vision.detector import Detected, Detector
from sightline.vision.model import ModelSpec

MIN_SIDE_PX: Final = 4.0
"""An object that is thinner shows nothing to tell it by."""

MAX_CROPS: Final = 128
"""Crops of one run at most: 6 MiB of input at 64x64, however many objects a batch of pictures has."""


@dataclass(frozen=True)
class _Place:
    """One crop to make.

    Attributes:
        picture: The picture's index.
        box: float32 (4,) x1, y1, x2, y2 in its pixels.
    """

    picture: int
    box: NDArray[np.float32]


class Appearance:
    """Runs an appearance network once per object. For one thread at a time: it reuses its memory."""

    def __init__(self, spec: AppearanceSpec, backend: Backend, score_threshold: float = 0.25) -> None:
        """Put a runner together.

        Args:
            spec: What the network is.
            backend: Runs it; its outputs are the embeddings and the probabilities, in this order.
            score_threshold: Only detections with a score of at least this are looked at, 0..1.
        """
        self.spec = spec
        self._backend = backend
        self._score_threshold = score_threshold
        self._most = min(MAX_CROPS, backend.capabilities.max_batch or MAX_CROPS)
        self._allocate(1)

    def describe(self, images: Sequence[Image], found: Sequence[Detected]) -> list[Detected]:
        """Look at what was found in some pictures; the crops of all of them share runs.

        Args:
            images: uint8 (height, width, 3), BGR. They are read in place.
            found: What was found in each of them.

        Returns:
            The same detections with `embeddings` and `probabilities`. A detection that is not looked at, or
            for which the network gives no finite numbers, has a row of zeros.

        Raises:
            SightlineError: The network cannot run, or its outputs are not as its spec says.
        """
        worth = [self._worth_a_look(one) for one in found]
        places = [
            _Place(picture, found[picture].boxes[row])
            for picture, rows in enumerate(worth)
            for row in rows.nonzero()[0]
        ]
        chosen = np.concatenate([np.empty(0, bool), *worth])
        embeddings = np.zeros((len(chosen), self.spec.embedding_width), np.float16)
        probabilities = np.zeros((len(chosen), len(self.spec.attributes)), np.float32)
        if places:
            parts = [self._run(images, part) for part in self._parts(places)]
            embeddings[chosen] = np.concatenate([part[0] for part in parts])
            probabilities[chosen] = np.concatenate([part[1] for part in parts])
        described, start = [], 0
        for one in found:
            rows = slice(start, start + len(one.scores))
            described.append(replace(one, embeddings=embeddings[rows], probabilities=probabilities[rows]))
            start = rows.stop
        return described

    def _worth_a_look(self, found: Detected) -> NDArray[np.bool_]:
        sides = found.boxes[:, 2:] - found.boxes[:, :2]
        return np.asarray((found.scores >= self._score_threshold) & (sides >= MIN_SIDE_PX).all(axis=1))

    def _parts(self, places: Sequence[_Place]) -> Iterator[Sequence[_Place]]:
        for start in range(0, len(places), self._most):
            yield places[start : start + self._most]

    def _allocate(self, count: int) -> None:
        spec = self.spec
        self._crops = np.empty((count, spec.height, spec.width, 3), np.uint8)
        self._input = np.empty((count, 3, spec.height, spec.width), np.float32)

    def _run(
        self, images: Sequence[Image], places: Sequence[_Place]
    ) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
        count = len(places)
        if count > len(self._input):
            self._allocate(min(self._most, 2 * count))
        for place, target in zip(places, self._crops, strict=False):
            cut(images[place.picture], place.box, target)
        to_input(self._crops[:count], self.spec, self._input[:count])
        return self._read(self._backend.infer(self._input[:count]), count)

    def _read(self, outputs: Arrays, count: int) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
        spec = self.spec
        expected = ((count, spec.embedding_width), (count, len(spec.attributes)))
        shapes = tuple(output.shape for output in outputs)
        if shapes != expected:
            raise SightlineError(
                f"The appearance network gives outputs of the shapes {shapes}; expected {expected}.",
                "Make its metadata say what it is: embedding_width and attributes.",
            )
        with np.errstate(over="ignore", invalid="ignore"):
            embeddings = outputs[0].astype(np.float16)
        probabilities = outputs[1].astype(np.float32)
        _clear_rows_not_finite(embeddings)
        _clear_rows_not_finite(probabilities)
        # A softmax may exceed 1 by a rounding.
        return embeddings, np.clip(probabilities, 0.0, 1.0, out=probabilities)


class Recognizer:
    """A detector that also looks at what it found. For one thread at a time."""

    def __init__(self, detector: Detector, appearance: Appearance | None = None) -> None:
        """Put both in a row; without an appearance network it is the detector alone."""
        self._detector = detector
        self._appearance = appearance
        if appearance is not None:
            self._shares = class_shares(detector.spec.labels, appearance.spec.attributes)

    @property
    def spec(self) -> ModelSpec:
        """What the detector is."""
        return self._detector.spec

    @property
    def appearance(self) -> AppearanceSpec | None:
        """What the appearance network is; None if there is none."""
        return self._appearance.spec if self._appearance else None

    def detect(self, images: Sequence[Image]) -> list[Detected]:
        """Find objects in pictures, and look at each of them; see `agreement` for what the class says there.

        Args:
            images: Any number of pictures of any sizes, uint8 (height, width, 3), BGR.

        Returns:
            One result per picture, in the same order.

        Raises:
            ValueError, SightlineError: See `Detector.detect` and `Appearance.describe`.
        """
        found = self._detector.detect(images)
        if self._appearance is None:
            return found
        return [agreed(one, self._shares) for one in self._appearance.describe(images, found)]


def _clear_rows_not_finite(rows: NDArray[Any]) -> None:
    rows[~np.isfinite(rows).all(axis=1)] = 0

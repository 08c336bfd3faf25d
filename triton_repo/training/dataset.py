"""Drawn pictures on disk: JPEG files in one blob, and the truth of all of them in flat arrays."""

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.jpeg import encode_jpeg
from triton_repo.training.scenes import Scene, draw

_PICTURES: Final = "pictures.bin"
_TRUTH: Final = "truth.npz"
QUALITIES: Final = (80, 95)
"""The JPEG quality of each picture is drawn from this range, both ends included."""


@dataclass(frozen=True)
class Truth:
    """The N objects of P pictures, picture by picture.

    Attributes:
        starts: int64 (P + 1,); picture i has the objects starts[i]..starts[i + 1].
        scenes: int64 (P,), the number of the scene that each picture is from.
        boxes: float32 (N, 4), x1 y1 x2 y2 in pixels.
        ids: int64 (N,), unique over all scenes.
        classes: int64 (N,).
        attributes: int64 (N,).
        visibility: float32 (N,), 0..1.
    """

    starts: NDArray[np.int64]
    scenes: NDArray[np.int64]
    boxes: NDArray[np.float32]
    ids: NDArray[np.int64]
    classes: NDArray[np.int64]
    attributes: NDArray[np.int64]
    visibility: NDArray[np.float32]

    def of(self, picture: int) -> slice:
        """Where a picture's objects are."""
        return slice(int(self.starts[picture]), int(self.starts[picture + 1]))

    @property
    def pictures(self) -> NDArray[np.int64]:
        """int64 (N,): the picture that each object is in."""
        return np.repeat(np.arange(len(self.scenes)), np.diff(self.starts))


@dataclass(frozen=True)
class Dataset:
    """Pictures with their truth.

    Attributes:
        blob: uint8, all JPEG files one after the other.
        offsets: int64 (P + 1,), where each starts and ends.
        truth: What is in them.
    """

    blob: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    truth: Truth

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def image(self, picture: int) -> NDArray[np.uint8]:
        """Decode a picture: uint8 (height, width, 3), BGR."""
        data = self.blob[self.offsets[picture] : self.offsets[picture + 1]]
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open what `write_dataset` wrote; the pictures stay on disk until they are read.

        Raises:
            SightlineError: There is none.
        """
        try:
            with np.load(folder / _TRUTH) as arrays:
                truth = Truth(**{field.name: arrays[field.name] for field in fields(Truth)})
                offsets = arrays["offsets"]
            return cls(np.memmap(folder / _PICTURES, dtype=np.uint8, mode="r"), offsets, truth)
        except (OSError, KeyError, ValueError) as error:
            raise SightlineError(
                f"There are no pictures to train on in {folder}: {error}.",
                f"Draw them with `python -m triton_repo.training draw {folder}`.",
            ) from error


@dataclass(frozen=True)
class _Part:
    """What one scene gave: its JPEG files, and for each the arrays of its truth."""

    files: list[bytes]
    boxes: list[NDArray[np.float32]]
    ids: list[NDArray[np.int64]]
    classes: list[NDArray[np.uint16]]
    attributes: list[NDArray[np.uint16]]
    visibility: list[NDArray[np.float32]]


def write_dataset(folder: Path, scenes: Sequence[Scene], processes: int = 2) -> Dataset:
    """Draw scenes to a folder, which is made if missing.

    Returns:
        The same as `Dataset.load(folder)`. The same scenes always give the same pictures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    offsets, parts = [0], []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool, (folder / _PICTURES).open("wb") as blob:
        for part in pool.map(_draw_scene, scenes, chunksize=2):
            for file in part.files:
                blob.write(file)
                offsets.append(offsets[-1] + len(file))
            part.files.clear()
            parts.append(part)
    arrays = {field.name: getattr(_join(parts), field.name) for field in fields(Truth)}
    np.savez(folder / _TRUTH, allow_pickle=False, offsets=np.array(offsets, dtype=np.int64), **arrays)
    return Dataset.load(folder)


def _draw_scene(scene: Scene) -> _Part:
    cv2.setNumThreads(1)
    rng = np.random.Generator(np.random.PCG64(scene.settings.seed))
    part = _Part([], [], [], [], [], [])
    for shot in draw(scene):
        quality = int(rng.integers(QUALITIES[0], QUALITIES[1], endpoint=True))
        part.files.append(encode_jpeg(shot.image, quality))
        part.boxes.append(shot.truth.boxes)
        part.ids.append(shot.truth.ids)
        part.classes.append(shot.truth.classes)
        part.attributes.append(shot.truth.attributes)
        part.visibility.append(shot.truth.visibility)
    return part


def _join(parts: Sequence[_Part]) -> Truth:
    counts = [len(boxes) for part in parts for boxes in part.boxes]
    shots = [len(part.boxes) for part in parts]
    ids, first = [], 0
    for part in parts:  # each scene counts from its own start
        scene_ids = np.concatenate(part.ids)
        ids.append(scene_ids + first)
        first += int(scene_ids.max(initial=0)) + 1
    return Truth(
        starts=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        scenes=np.repeat(np.arange(len(parts)), shots).astype(np.int64),
        boxes=np.concatenate([boxes for part in parts for boxes in part.boxes]).astype(np.float32),
        ids=np.concatenate(ids).astype(np.int64),
        classes=np.concatenate([some for part in parts for some in part.classes]).astype(np.int64),
        attributes=np.concatenate([some for part in parts for some in part.attributes]).astype(np.int64),
        visibility=np.concatenate([some for part in parts for some in part.visibility]).astype(np.float32),
    )

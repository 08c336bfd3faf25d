"""Crops for the appearance network: each object of each picture, cut as a detector would place its box."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sightline.vision.appearance import AppearanceSpec
from sightline.vision.crops import cut
from triton_repo.training.augment import is_ignored
from triton_repo.training.dataset import Dataset
from triton_repo.training.scenes import ATTRIBUTES

EMBEDDING_WIDTH: Final = 128
SPEC: Final = AppearanceSpec(attributes=ATTRIBUTES, embedding_width=EMBEDDING_WIDTH)

JITTER: Final = 0.04
"""How far a detector's side is off, as a share of the box's width or height (one standard deviation)."""


@dataclass(frozen=True)
class Crops:
    """N crops.

    Attributes:
        images: uint8 (N, height, width, 3), BGR.
        ids: int64 (N,), whom they show.
        attributes: int64 (N,).
        scenes: int64 (N,).
    """

    images: NDArray[np.uint8]
    ids: NDArray[np.int64]
    attributes: NDArray[np.int64]
    scenes: NDArray[np.int64]


def jittered(boxes: NDArray[np.float32], share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Move each side of boxes (N, 4) by a normal error of `share` of the size, at most 2.5 times as much."""
    sizes = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    errors = np.clip(rng.standard_normal(boxes.shape), -2.5, 2.5)
    return (boxes + errors * share * sizes).astype(np.float32)


def cut_crops(dataset: Dataset, seed: int, jitter: float = JITTER) -> Crops:
    """Cut every object that is not to be ignored (`augment.is_ignored`).

    Args:
        dataset: The pictures.
        seed: Of the jitter.
        jitter: How far the boxes' sides are off, as a share of their size.
    """
    truth = dataset.truth
    rng = np.random.Generator(np.random.PCG64([seed, 0xC20B]))
    boxes = jittered(truth.boxes, jitter, rng)
    chosen = np.flatnonzero(~is_ignored(truth.boxes, truth.visibility))
    images = np.empty((len(chosen), SPEC.height, SPEC.width, 3), np.uint8)
    pictures = truth.pictures[chosen]
    shown, image = -1, np.empty((0, 0, 3), np.uint8)
    for target, row, picture in zip(images, chosen, pictures, strict=True):
        if picture != shown:
            shown, image = int(picture), dataset.image(int(picture))
        cut(image, boxes[row], target)
    return Crops(images, truth.ids[chosen], truth.attributes[chosen], truth.scenes[pictures])

"""Pictures of single objects that an appearance network tells apart by their colour alone."""

from pathlib import Path

import cv2
import numpy as np

from tests.appearance_network import ATTRIBUTES

VIEWS = 4


def draw_objects(folder: Path, objects: int = 4, attributes: tuple[str, ...] = ATTRIBUTES) -> Path:
    """Draw `objects` of each attribute, `VIEWS` times each in other sizes; returns the folder.

    Objects of one attribute differ in how much of the other colours they have.
    """
    rng = np.random.default_rng(4)
    for number, attribute in enumerate(attributes):
        for one in range(objects):
            rgb = np.full(3, 10 + 30 * one, np.float32)
            rgb[number % 3] = 230
            for view in range(VIEWS):
                path = folder / attribute / f"object-{one}" / f"{view}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                image = np.empty((int(rng.integers(12, 40)), int(rng.integers(12, 40)), 3), np.uint8)
                image[...] = np.clip(rgb[::-1] + rng.normal(0, 1, 3), 0, 255)
                cv2.imwrite(str(path), image)
    return folder

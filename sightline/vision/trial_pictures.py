"""Pictures to try an unknown detector on: streets with vehicles and people, drawn the same every time.

They need not be beautiful. Edges, texture and things of several sizes make a network give the numbers that it
gives on real pictures: on a black one most give nothing, and a wrong reading of nothing looks right.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

WIDTH_PX: Final = 640
HEIGHT_PX: Final = 360
_HORIZON_PX: Final = 150
_GRAIN: Final = 6.0
"""Standard deviation of a camera's noise, in levels."""


def trial_pictures(count: int) -> list[Image]:
    """Draw `count` different pictures, uint8 (360, 640, 3) BGR; the first ones are always the same."""
    return [_street(np.random.Generator(np.random.PCG64(seed))) for seed in range(count)]


def _street(rng: np.random.Generator) -> Image:
    image = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    fade = np.linspace(0, 1, _HORIZON_PX)[:, None, None]
    image[:_HORIZON_PX] = (1 - fade) * (230, 180, 130) + fade * (235, 225, 215)
    image[_HORIZON_PX:] = (96, 98, 100)
    for left in range(0, WIDTH_PX, 80):
        _house(image, rng, left)
    for x in range(20, WIDTH_PX, 90):
        cv2.rectangle(image, (x, 268), (x + 45, 273), (225, 230, 232), -1)
    # From far to near, so that near things hide far ones.
    for bottom in sorted(int(y) for y in rng.integers(_HORIZON_PX + 20, HEIGHT_PX - 5, 9)):
        things: tuple[Callable[..., None], ...] = (_car, _person)
        thing = things[int(rng.integers(2))]
        thing(image, rng, int(rng.integers(20, WIDTH_PX - 60)), bottom, (bottom - 110) / 130)
    grain = _GRAIN * rng.standard_normal(image.shape, np.float32)
    soft = cv2.GaussianBlur(image, (3, 3), 0.8)
    return np.clip(np.asarray(soft, np.float32) + grain, 0, 255).astype(np.uint8)


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    blue, green, red = (int(level) for level in rng.integers(30, 220, 3))
    return blue, green, red


def _house(image: Image, rng: np.random.Generator, left: int) -> None:
    top = int(rng.integers(20, 90))
    cv2.rectangle(image, (left, top), (left + 74, _HORIZON_PX), _colour(rng), -1)
    for x in range(left + 8, left + 66, 18):
        for y in range(top + 8, _HORIZON_PX - 14, 22):
            cv2.rectangle(image, (x, y), (x + 9, y + 12), (70, 60, 50), -1)


def _car(image: Image, rng: np.random.Generator, x: int, bottom: int, scale: float) -> None:
    length, height, colour = int(95 * scale), int(34 * scale), _colour(rng)
    wheel = max(2, height // 4)
    roof = np.array(
        [
            (x + length // 6, bottom - height // 2),
            (x + length // 3, bottom - height),
            (x + 3 * length // 4, bottom - height),
            (x + 9 * length // 10, bottom - height // 2),
        ],
        np.int32,
    )
    cv2.ellipse(image, (x + length // 2, bottom), (length // 2, wheel // 2), 0, 0, 360, (50, 52, 54), -1)
    cv2.fillPoly(image, [roof], (90, 80, 70))
    cv2.polylines(image, [roof], True, colour, max(1, height // 10))
    cv2.rectangle(image, (x, bottom - height // 2), (x + length, bottom - wheel // 2), colour, -1)
    for centre in (x + length // 5, x + 4 * length // 5):
        cv2.circle(image, (centre, bottom - wheel), wheel, (25, 25, 25), -1)
        cv2.circle(image, (centre, bottom - wheel), wheel // 2, (170, 170, 170), -1)


def _person(image: Image, rng: np.random.Generator, x: int, bottom: int, scale: float) -> None:
    height = int(70 * scale)
    width, head = max(4, height // 4), max(2, height // 9)
    hip, neck = bottom - height // 2, bottom - height + 2 * head
    legs, coat = _colour(rng), _colour(rng)
    for foot in (x, x + width):
        cv2.line(image, (x + width // 2, hip), (foot, bottom), legs, max(2, width // 3))
    cv2.rectangle(image, (x, neck), (x + width, hip), coat, -1)
    cv2.circle(image, (x + width // 2, neck - head), head, (140, 170, 210), -1)

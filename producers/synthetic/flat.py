"""Simple cameras that are drawn: objects of a few kinds in lanes, and the truth about them.

`synthetic:NUMBER?seconds=30&fps=30&objects=5&size=640x360&live=1`: the number is the scene, and the same one
always gives the same pictures. Without `seconds` it goes on for ever. `live=0` gives the frames as fast as
they are taken, like a file.
"""

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray

from producers.sources import Image, Picture
from sightline.errors import SightlineError
from sightline.vision.palette import (
    MAX_SCALE,
    MIN_SCALE,
    PALETTE,
    PICTURE_HEIGHT_PX,
    PICTURE_WIDTH_PX,
)

MAX_OBJECTS: Final = 20

_Box = tuple[int, int, int, int]

_GAP_PX: Final = 14
_ROUND: Final = 64  # objects of a lane until their sizes and gaps repeat
# Where lanes run in a picture of 360 lines, wide enough for their largest kind; and their kinds.
_WALKWAY, _ROAD = ("person", "bicycle"), ("car", "truck")
_LANES: Final = ((40, _WALKWAY), (112, _ROAD), (180, _ROAD), (248, _ROAD), (320, _WALKWAY))
_SPEEDS_PX_S: Final = {_WALKWAY: (25.0, 60.0), _ROAD: (70.0, 190.0)}


@dataclass(frozen=True)
class Scene:
    """What a synthetic camera shows.

    Attributes:
        number: The scene's seed.
        fps: Frames a second.
        frames: How many there are, or None for no end.
        objects: Objects in the picture on average.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
    """

    number: int
    fps: float = 30.0
    frames: int | None = None
    objects: float = 5.0
    width: int = PICTURE_WIDTH_PX
    height: int = PICTURE_HEIGHT_PX


@dataclass(frozen=True)
class Truth:
    """The N objects of a frame, those of which at least a quarter is in the picture.

    Attributes:
        boxes: float32 (N, 4), x1 y1 x2 y2 in pixels, the part inside the picture.
        ids: int64 (N,), one for each object, never used again.
        kinds: uint16 (N,), indices into the palette.
    """

    boxes: NDArray[np.float32]
    ids: NDArray[np.int64]
    kinds: NDArray[np.uint16]


class _Lane:
    """Objects one behind the other at one speed, so that they never touch."""

    def __init__(self, row: int, scene: Scene, rng: np.random.Generator) -> None:
        centre, names = _LANES[row]
        zoom_x, zoom_y = scene.width / PICTURE_WIDTH_PX, scene.height / PICTURE_HEIGHT_PX
        choices = [index for index, kind in enumerate(PALETTE) if kind.name in names]
        self.kinds = rng.choice(choices, _ROUND)
        scales = rng.uniform(MIN_SCALE, MAX_SCALE, _ROUND)
        widths = np.array([PALETTE[kind].width_px for kind in self.kinds]) * scales * zoom_x
        heights = np.array([PALETTE[kind].height_px for kind in self.kinds]) * scales * zoom_y
        self.widths, self.heights = widths.round().astype(int), heights.round().astype(int)
        self.speed_px_s = rng.uniform(*_SPEEDS_PX_S[names]) * zoom_x
        self.leftward = bool(rng.integers(2))
        self.centre = centre * zoom_y
        wanted_px = scene.width * len(_LANES) / scene.objects
        spare_px = max(0.0, wanted_px - float((widths + _GAP_PX).mean()))
        gaps = _GAP_PX + spare_px * rng.uniform(0.3, 1.7, _ROUND)
        # How far the front of the queue has gone when each object's front enters; repeats every round_px.
        self.enters_px = np.concatenate(([0.0], np.cumsum(widths + gaps)))
        self.start_px = float(rng.uniform(0, self.enters_px[-1]))

    def visible(self, time_s: float, width_px: int) -> Iterator[tuple[int, int, int]]:
        """(running number, index into the lane's objects, x1) of what is in the picture."""
        front_px = self.start_px + width_px + self.speed_px_s * time_s
        round_px = float(self.enters_px[-1])
        # Backwards from the newest, until one has left the picture.
        number = int(front_px // round_px) * _ROUND + _ROUND - 1
        while number >= 0:
            around, index = divmod(number, _ROUND)
            gone_px = front_px - around * round_px - float(self.enters_px[index])
            if gone_px - self.widths[index] > width_px:
                return
            if gone_px > 0:
                left_px = width_px - gone_px if self.leftward else gone_px - self.widths[index]
                yield number, index, math.floor(left_px + 0.5)
            number -= 1


class SyntheticCamera:
    """A source that draws a scene; not paced."""

    live = False
    own_clock = True
    message = ""
    legend = None

    def __init__(self, scene: Scene) -> None:
        rng = np.random.default_rng([scene.number, 0x51])
        self._scene = scene
        self.fps, self.width, self.height = scene.fps, scene.width, scene.height
        self._lanes = [_Lane(row, scene, rng) for row in range(len(_LANES))]
        self._background = _background(scene, rng)
        self._masks: dict[tuple[int, int], NDArray[np.bool_]] = {}

    def truth(self, index: int) -> Truth:
        """The objects of frame `index`, lane by lane."""
        boxes, ids, kinds = [], [], []
        for row, number, kind, box, (x1, _, x2, _) in self._objects(index):
            if 4 * (min(x2, self.width) - max(x1, 0)) >= x2 - x1:
                boxes.append(box)
                ids.append(number * len(_LANES) + row + 1)
                kinds.append(kind)
        return Truth(
            np.array(boxes, dtype=np.float32).reshape(-1, 4),
            np.array(ids, dtype=np.int64),
            np.array(kinds, dtype=np.uint16),
        )

    def draw(self, index: int) -> Image:
        """The picture of frame `index`, uint8 (height, width, 3), BGR."""
        image = self._background.copy()
        for _, _, kind, (x1, y1, x2, y2), (whole_x1, _, whole_x2, _) in self._objects(index):
            target = image[y1:y2, x1:x2]
            if PALETTE[kind].shape == "rectangle":
                target[:] = PALETTE[kind].bgr
            else:
                mask = self._ellipse(whole_x2 - whole_x1, y2 - y1)
                target[mask[:, x1 - whole_x1 : x2 - whole_x1]] = PALETTE[kind].bgr
        return image

    def pictures(self, stop: threading.Event) -> Iterator[Picture]:
        """The scene's frames."""
        index = 0
        while not stop.is_set() and (self._scene.frames is None or index < self._scene.frames):
            yield Picture(index, round(index * 1e9 / self.fps), self.draw(index))
            index += 1

    def close(self) -> None:
        """Nothing to let go of."""

    def _objects(self, index: int) -> Iterator[tuple[int, int, int, _Box, _Box]]:
        """(lane, number in it, kind, box inside the picture, whole box) of what can be seen."""
        for row, lane in enumerate(self._lanes):
            for number, at, x1 in lane.visible(index / self.fps, self.width):
                x2, y1 = x1 + int(lane.widths[at]), int(lane.centre - lane.heights[at] / 2)
                whole = (x1, y1, x2, y1 + int(lane.heights[at]))
                inside = (max(x1, 0), y1, min(x2, self.width), whole[3])
                if inside[0] < inside[2]:
                    yield row, number, int(lane.kinds[at]), inside, whole

    def _ellipse(self, width: int, height: int) -> NDArray[np.bool_]:
        if (width, height) not in self._masks:
            across = (np.arange(width) + 0.5) / (width / 2) - 1
            down = (np.arange(height) + 0.5) / (height / 2) - 1
            self._masks[width, height] = across**2 + down[:, None] ** 2 <= 1
        return self._masks[width, height]


def _background(scene: Scene, rng: np.random.Generator) -> Image:
    """Grey lanes with kerbs and a little grain, the same in every frame."""
    grey = np.full((scene.height, scene.width), 96.0)
    for centre, names in _LANES:
        y = round(centre * scene.height / PICTURE_HEIGHT_PX)
        half = round(33 * scene.height / PICTURE_HEIGHT_PX)
        grey[max(0, y - half) : y + half] = 120 if names is _WALKWAY else 72
    grey += rng.normal(0, 2, grey.shape)
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def parse_synthetic(text: str) -> tuple[Scene, bool]:
    """Read `synthetic:NUMBER?options`; returns the scene, and whether it is played at its own rate.

    Raises:
        SightlineError: Not of that form, or an option is unknown or out of its range.
    """
    number, _, query = text.removeprefix("synthetic:").partition("?")
    options = {"seconds": "0", "fps": "30", "objects": "5", "size": "640x360", "live": "1"}
    given = dict(parse_qsl(query, keep_blank_values=True))
    try:
        if unknown := given.keys() - options.keys():
            raise ValueError(f"there is no option {min(unknown)}")
        options |= given
        width, _, height = options["size"].partition("x")
        fps = _within("fps", float(options["fps"]), 0.1, 1000)
        seconds = _within("seconds", float(options["seconds"]), 0, 1e7)
        scene = Scene(
            number=int(_within("the number", int(number), 0, 2**32)),
            fps=fps,
            frames=max(1, round(seconds * fps)) if seconds else None,
            objects=_within("objects", float(options["objects"]), 0.1, MAX_OBJECTS),
            width=int(_within("the width", int(width), 160, 4096)),
            height=int(_within("the height", int(height), 90, 2304)),
        )
        return scene, bool(_within("live", int(options["live"]), 0, 1))
    except ValueError as error:
        raise SightlineError(
            f"The source {text} is wrong: {error}.",
            "Write synthetic:NUMBER, or with options synthetic:NUMBER?seconds=30&fps=30&objects=5&live=0.",
        ) from error


def _within(name: str, value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value:g}, not in {low:g}..{high:g}")
    return value

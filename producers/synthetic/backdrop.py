"""What does not move: the ground and the things that stand on it, drawn once."""

import cv2
import numpy as np

from producers.synthetic.geometry import Floats, View
from producers.synthetic.layout import Layout
from producers.synthetic.lots import Lot
from producers.synthetic.painting import Canvas, Sun, cast_shadow, fill_ground, put, stamp
from producers.synthetic.paths import Pose

_NEAR_M = 1.0


class Backdrop:
    """The fixed part of a scene on a canvas with a margin on each side.

    Attributes:
        canvas: uint8 (H + 2 margin, W + 2 margin, 4); the fourth channel is zero.
        things: The things' stamps, in coordinates of the canvas without its margin, farthest first.
    """

    def __init__(
        self,
        layout: Layout,
        view: View,
        sun: Sun,
        size: tuple[int, int],
        margin: int,
        seed: int,
        *,
        wet: bool,
    ) -> None:
        width, height = size
        wide = view.shifted(margin, margin)
        self.canvas = _ground(layout, wide, (width + 2 * margin, height + 2 * margin), seed, wet=wet)
        poses = [(thing, Pose(thing.x, thing.y, thing.heading_rad)) for thing in layout.things]
        for thing, pose in poses:
            if thing.casts:
                cast_shadow(self.canvas, thing.solid, pose, wide, sun)
        stamps = [stamp(thing.solid, pose, view, sun, 255) for thing, pose in poses]
        self.things = tuple(sorted((s for s in stamps if s is not None), key=lambda s: -s.depth))
        for thing_stamp in self.things:
            thing_stamp.pixels[:, :, 3] = 0
            put(self.canvas, thing_stamp, margin, margin)


def _ground(layout: Layout, view: View, size: tuple[int, int], seed: int, *, wet: bool) -> Canvas:
    width, height = size
    canvas = np.zeros((height, width, 4), dtype=np.uint8)
    canvas[:] = (*layout.base.colour, layout.base.grain)
    for patch in layout.ground:
        corners = _before_camera(view, np.array(patch.points, dtype=np.float64))
        if len(corners) >= 3:
            u, v, _ = view.project(corners[:, 0], corners[:, 1], np.zeros(len(corners)))
            fill_ground(canvas, np.stack([u, v], axis=1), (*patch.colour, patch.grain))
    return _grained(canvas, seed, wet=wet)


def _before_camera(view: View, corners: Floats) -> Floats:
    """The part of a polygon that lies before the camera."""
    out = []
    for one, two in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        near, far = view.depth(*one) - _NEAR_M, view.depth(*two) - _NEAR_M
        if near >= 0:
            out.append(one)
        if (near >= 0) != (far >= 0):
            out.append(one + (two - one) * (near / (near - far)))
    return np.array(out)


def _grained(canvas: Canvas, seed: int, *, wet: bool) -> Canvas:
    """Give each surface its grain (held in the fourth channel) and all of them soft blotches."""
    lot = Lot(seed, 3)
    height, width = canvas.shape[:2]
    fine = lot.integers(-8, 9, (height, width)) + lot.integers(-8, 9, (height, width))
    grain = fine * canvas[:, :, 3].astype(np.int64) // 12
    coarse = lot.integers(0, 256, (height // 48 + 2, width // 48 + 2)).astype(np.uint8)
    blotches = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR_EXACT).astype(np.int64)
    levels = canvas[:, :, :3].astype(np.int64) + (grain + (blotches - 128) // 10)[:, :, None]
    if wet:
        levels = levels * 205 // 256
    canvas[:, :, :3] = np.clip(levels, 0, 255)
    canvas[:, :, 3] = 0
    return canvas

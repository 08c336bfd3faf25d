"""Sines that are the same on every machine, and the pinhole camera.

NumPy's sin and cos differ in the last digit from one processor to the next, and so may the C library's;
rounded to 12 digits they agree. Everything else is additions, multiplications, divisions and square roots,
which IEEE 754 rounds exactly, done element by element: a matrix product may fuse or reorder them.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_DIGITS: Final = 12
TURN: Final = 2 * math.pi
REFERENCE_WIDTH_PX: Final = 640
REFERENCE_HEIGHT_PX: Final = 360


def cos(angle_rad: float) -> float:
    """Cosine, the same on every machine."""
    return round(math.cos(angle_rad), _DIGITS)


def sin(angle_rad: float) -> float:
    """Sine, the same on every machine."""
    return round(math.sin(angle_rad), _DIGITS)


def heading(dx: float, dy: float) -> float:
    """The direction of (dx, dy) in radians, the same on every machine."""
    return round(math.atan2(dy, dx), _DIGITS)


@dataclass(frozen=True)
class View:
    """A pinhole camera over the ground plane z = 0; x to the right, y away, z up, in metres.

    Attributes:
        focal_px: Focal length.
        centre: Picture point (u, v) of the optical axis, in pixels.
        position: Of the camera.
        right: Unit vector to the picture's right; `down` and `forward` likewise.
    """

    focal_px: float
    centre: tuple[float, float]
    position: tuple[float, float, float]
    right: tuple[float, float, float]
    down: tuple[float, float, float]
    forward: tuple[float, float, float]

    def project(self, x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """Picture coordinates u and v in pixels, and the distance along the axis in metres."""
        dx, dy, dz = x - self.position[0], y - self.position[1], z - self.position[2]
        depth = dx * self.forward[0] + dy * self.forward[1] + dz * self.forward[2]
        scale = self.focal_px / depth
        across = dx * self.right[0] + dy * self.right[1] + dz * self.right[2]
        down = dx * self.down[0] + dy * self.down[1] + dz * self.down[2]
        return self.centre[0] + scale * across, self.centre[1] + scale * down, depth

    def point(self, x: float, y: float, z: float = 0.0) -> tuple[float, float]:
        """Picture coordinates of one point."""
        u, v, _ = self.project(np.array([x]), np.array([y]), np.array([z]))
        return float(u[0]), float(v[0])

    def spot(self, x: float, y: float) -> tuple[float, float, float]:
        """Picture coordinates of a point of the ground and its distance along the axis, in plain floats."""
        dx, dy, dz = x - self.position[0], y - self.position[1], -self.position[2]
        depth = dx * self.forward[0] + dy * self.forward[1] + dz * self.forward[2]
        scale = self.focal_px / depth
        u = self.centre[0] + scale * (dx * self.right[0] + dy * self.right[1] + dz * self.right[2])
        return u, self.centre[1] + scale * (dx * self.down[0] + dy * self.down[1] + dz * self.down[2]), depth

    def depth(self, x: float, y: float) -> float:
        """How far a point of the ground is along the ground, in the camera's direction."""
        return (x - self.position[0]) * self.forward[0] + (y - self.position[1]) * self.forward[1]

    def shifted(self, right_px: float, down_px: float) -> "View":
        """The same view, its picture moved."""
        centre = (self.centre[0] + right_px, self.centre[1] + down_px)
        return View(self.focal_px, centre, self.position, self.right, self.down, self.forward)

    def scaled(self, factor: float) -> "View":
        """The same view in a picture `factor` times as large."""
        centre = (self.centre[0] * factor, self.centre[1] * factor)
        return View(self.focal_px * factor, centre, self.position, self.right, self.down, self.forward)


def look_at_origin(
    width: int, height: int, *, focal_px: float, range_m: float, pitch_deg: float, yaw_deg: float
) -> View:
    """The camera that has the ground's origin in the middle of the picture.

    Args:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        focal_px: Focal length for a picture of 640x360; it grows with the picture.
        range_m: Distance from the camera to the origin.
        pitch_deg: How far down the camera looks.
        yaw_deg: How far to the right of the y axis it looks.
    """
    pitch, yaw = math.radians(pitch_deg), math.radians(yaw_deg)
    cos_p, sin_p, cos_y, sin_y = cos(pitch), sin(pitch), cos(yaw), sin(yaw)
    forward = (sin_y * cos_p, cos_y * cos_p, -sin_p)
    zoom = max(width / REFERENCE_WIDTH_PX, height / REFERENCE_HEIGHT_PX)
    return View(
        focal_px=focal_px * zoom,
        centre=(width / 2, height / 2),
        position=(-range_m * forward[0], -range_m * forward[1], -range_m * forward[2]),
        right=(cos_y, -sin_y, 0.0),
        down=(-sin_y * sin_p, -cos_y * sin_p, -cos_p),
        forward=forward,
    )

"""Draws bodies as shaded polygons.

Polygons are filled on a canvas twice as fine as the picture with corners in whole eighths of its pixels, so
the same pixels come out on every machine. The canvas's fourth channel says which object each pixel shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from producers.synthetic.geometry import TURN, Floats, View, cos, sin
from producers.synthetic.paths import Pose
from producers.synthetic.solids import Solid

FINE: Final = 2
"""Canvas pixels per picture pixel, each way."""
_SHIFT: Final = 3
_UNIT: Final = 1 << _SHIFT

Canvas = NDArray[np.uint8]


@dataclass(frozen=True)
class Sun:
    """Where light comes from.

    Attributes:
        direction: Unit vector towards it.
        ambient: Share of the light that comes from everywhere.
        direct: Share that comes from it.
        shadow: How far a shadow falls for each metre of height, x and y.
        darkness: What a shadow leaves of the light, 0..1.
    """

    direction: tuple[float, float, float]
    ambient: float
    direct: float
    shadow: tuple[float, float]
    darkness: float


@dataclass(frozen=True)
class Stamp:
    """A body as it is drawn.

    Attributes:
        x: Left edge on the canvas; may be negative. `y` is the upper edge.
        pixels: uint8 (h, w, 4), blue green red and the object's slot; zero where it is not.
        mask: uint8 (h, w), not zero where the body is.
        box: x, y, width, height of the silhouette within the stamp.
        depth: How far away it is.
    """

    x: int
    y: int
    pixels: Canvas
    mask: Canvas
    box: tuple[int, int, int, int]
    depth: float


def stamp(solid: Solid, pose: Pose, view: View, sun: Sun, slot: int) -> Stamp | None:
    """Draw a body; None if it lies nowhere near the canvas."""
    if _is_far_outside(solid, pose, view):
        return None
    points, depth = _projected(solid, pose, view)
    low, high = points.min(axis=0), points.max(axis=0)
    metre_px = view.focal_px / depth
    margin = 2 + int(metre_px * max(solid.strokes_m))
    x0, y0 = int(low[0]) // _UNIT - margin, int(low[1]) // _UNIT - margin
    width, height = int(high[0]) // _UNIT + margin + 2 - x0, int(high[1]) // _UNIT + margin + 2 - y0
    if x0 > 2 * view.centre[0] or y0 > 2 * view.centre[1] or x0 + width < 0 or y0 + height < 0:
        return None
    pixels = np.zeros((height, width, 4), dtype=np.uint8)
    points -= np.array((x0 * _UNIT, y0 * _UNIT), dtype=np.int32)
    _fill(
        pixels, solid, points, _colours(solid, pose, sun, slot), _order(solid, pose, view, points), metre_px
    )
    mask = cv2.extractChannel(pixels, 3)
    x, y, w, h = cv2.boundingRect(mask)
    return Stamp(x0, y0, pixels, np.asarray(mask), (x, y, w, h), view.depth(pose.x, pose.y)) if w else None


def _is_far_outside(solid: Solid, pose: Pose, view: View) -> bool:
    """Whether a body surely lies outside of the canvas, seen from its foot: cheaper than to project it."""
    u, v, depth = view.spot(pose.x, pose.y)
    reach = (2 * sum(solid.size) + 1) * view.focal_px / max(depth, 1.0)
    return not (-reach < u < 2 * view.centre[0] + reach and -reach < v < 2 * view.centre[1] + reach)


def outline(solid: Solid, poses: Sequence[Pose], view: View) -> Floats:
    """Unclipped boxes around a body with hanging limbs: float64 (N, 4), x1 y1 x2 y2 in the view's pixels."""
    turns = np.array([(cos(p.heading_rad), sin(p.heading_rad), p.x, p.y) for p in poses])
    c, s, x0, y0 = (turns[:, column, None] for column in range(4))
    x, y, z = solid.outline[:, 0], solid.outline[:, 1], solid.outline[:, 2]
    u, v, _ = view.project(x0 + c * x - s * y, y0 + s * x + c * y, np.broadcast_to(z, (len(poses), len(z))))
    return np.stack([u.min(axis=1), v.min(axis=1), u.max(axis=1), v.max(axis=1)], axis=1)


def _projected(solid: Solid, pose: Pose, view: View) -> tuple[NDArray[np.int32], float]:
    x, y, z = solid.vertices[:, 0], solid.vertices[:, 1], solid.vertices[:, 2]
    if solid.limbs and pose.swing:
        x, z = _swung(solid, pose, x, z)
    c, s = cos(pose.heading_rad), sin(pose.heading_rad)
    across, up = solid.flats[:, 0], solid.flats[:, 1]
    right, down = view.right, view.down
    wx = pose.x + c * x - s * y + across * right[0] - up * down[0]
    wy = pose.y + s * x + c * y + across * right[1] - up * down[1]
    u, v, depth = view.project(wx, wy, z - up * down[2])
    points = np.empty((len(u), 2), dtype=np.int32)
    points[:, 0] = np.rint(u * _UNIT)
    points[:, 1] = np.rint(v * _UNIT)
    return points, float(depth[0])


def _swung(solid: Solid, pose: Pose, x: Floats, z: Floats) -> tuple[Floats, Floats]:
    turns = [(0.0, 0.0, 1.0, 0.0)]
    for limb in solid.limbs:
        angle = limb.swing_rad * pose.swing * sin(TURN * pose.gone_m / solid.stride_m + limb.phase_rad)
        turns.append((limb.pivot_x, limb.pivot_z, cos(angle), sin(angle)))
    table = np.array(turns)[solid.limb_of]
    px, pz, c, s = table[:, 0], table[:, 1], table[:, 2], table[:, 3]
    dx, dz = x - px, z - pz
    return px + dx * c + dz * s, pz + dz * c - dx * s


def _colours(solid: Solid, pose: Pose, sun: Sun, slot: int) -> list[list[float]]:
    """Blue, green, red and the slot of each polygon: lit from the sun's side (Lambert's cosine law)."""
    c, s = cos(pose.heading_rad), sin(pose.heading_rad)
    nx, ny, nz = solid.normals[:, 0], solid.normals[:, 1], solid.normals[:, 2]
    to_sun = sun.direction
    facing = (c * nx - s * ny) * to_sun[0] + (s * nx + c * ny) * to_sun[1] + nz * to_sun[2]
    light = sun.ambient + sun.direct * np.maximum(facing, 0.0)
    light[~solid.one_sided] = sun.ambient + 0.7 * sun.direct
    colours = np.empty((len(light), 4))
    colours[:, :3] = np.minimum(np.rint(solid.colours * light[:, None]), 255)
    colours[:, 3] = slot
    shades: list[list[float]] = colours.tolist()
    return shades


def _order(solid: Solid, pose: Pose, view: View, points: NDArray[np.int32]) -> list[int]:
    """The polygons that face the camera, in the order in which they are painted."""
    first = points[solid.starts[:-1]]
    one, two = points[solid.starts[:-1] + 1] - first, points[solid.starts[:-1] + 2] - first
    turned = one[:, 0].astype(np.int64) * two[:, 1] - one[:, 1].astype(np.int64) * two[:, 0]
    c, s = cos(pose.heading_rad), sin(pose.heading_rad)
    x, y = solid.anchors[:, 0], solid.anchors[:, 1]
    away = (c * x - s * y) * view.forward[0] + (s * x + c * y) * view.forward[1]
    rank = np.empty(len(away), dtype=np.intp)
    rank[np.lexsort((-away, solid.layers))] = np.arange(len(away))
    order = np.argsort(rank[solid.parts], kind="stable")
    seen: list[int] = order[((turned < 0) | ~solid.one_sided)[order]].tolist()
    return seen


def _fill(
    pixels: Canvas,
    solid: Solid,
    points: NDArray[np.int32],
    colours: list[list[float]],
    order: list[int],
    metre_px: float,
) -> None:
    starts: list[int] = solid.starts.tolist()
    strokes = solid.strokes_m
    fill: Any = cv2.fillConvexPoly
    for polygon in order:
        part = points[starts[polygon] : starts[polygon + 1]]
        if strokes[polygon]:
            width = max(1, round(strokes[polygon] * metre_px))
            cv2.polylines(pixels, [part], False, colours[polygon], width, cv2.LINE_8, _SHIFT)
        else:
            fill(pixels, part, colours[polygon], cv2.LINE_8, _SHIFT)


def fill_ground(canvas: Canvas, points: Floats, colour: Sequence[float]) -> None:
    """Fill a polygon, not necessarily convex, given in canvas pixels."""
    corners = np.rint(points * _UNIT).astype(np.int32)
    cv2.fillPoly(canvas, [corners], list(colour), cv2.LINE_8, _SHIFT)


def cast_shadow(canvas: Canvas, solid: Solid, pose: Pose, view: View, sun: Sun) -> None:
    """Darken the ground beside a body: the hull of its footprint and of where its top's shadow falls."""
    length, width, height = solid.size
    c, s = cos(pose.heading_rad), sin(pose.heading_rad)
    corners = np.array([(a, b) for a in (-length / 2, length / 2) for b in (-width / 2, width / 2)])
    wx = pose.x + c * corners[:, 0] - s * corners[:, 1]
    wy = pose.y + s * corners[:, 0] + c * corners[:, 1]
    wx = np.concatenate([wx, wx + height * 0.9 * sun.shadow[0]])
    wy = np.concatenate([wy, wy + height * 0.9 * sun.shadow[1]])
    u, v, _ = view.project(wx, wy, np.zeros(8))
    darken(canvas, np.stack([u, v], axis=1), sun.darkness)


def darken(canvas: Canvas, points: Floats, left: float) -> None:
    """Darken the hull of points given in canvas pixels to a share of its light."""
    corners = np.rint(points * _UNIT).astype(np.int32)
    hull = cv2.convexHull(corners)
    low, high = corners.min(axis=0), corners.max(axis=0)
    rows, columns = canvas.shape[:2]
    x0, y0 = max(int(low[0]) // _UNIT, 0), max(int(low[1]) // _UNIT, 0)
    x1, y1 = min(int(high[0]) // _UNIT + 2, columns), min(int(high[1]) // _UNIT + 2, rows)
    if x0 >= x1 or y0 >= y1:
        return
    mask = np.zeros((y1 - y0, x1 - x0), dtype=np.uint8)
    cv2.fillConvexPoly(
        mask, np.asarray(hull) - np.array((x0 * _UNIT, y0 * _UNIT), dtype=np.int32), 255, cv2.LINE_8, _SHIFT
    )
    region = canvas[y0:y1, x0:x1]
    cv2.copyTo(cv2.convertScaleAbs(region, alpha=left), mask, region)


def put(canvas: Canvas, drawn: Stamp, dx: int, dy: int) -> None:
    """Lay a stamp onto the canvas, moved by so many pixels and clipped."""
    rows, columns = canvas.shape[:2]
    x, y = drawn.x + dx, drawn.y + dy
    height, width = drawn.mask.shape
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + width, columns), min(y + height, rows)
    if x0 < x1 and y0 < y1:
        source = drawn.pixels[y0 - y : y1 - y, x0 - x : x1 - x]
        mask = drawn.mask[y0 - y : y1 - y, x0 - x : x1 - x]
        cv2.copyTo(source, mask, canvas[y0:y1, x0:x1])

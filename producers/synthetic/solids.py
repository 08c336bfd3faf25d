"""Solid bodies made of flat polygons, in coordinates of their own: x ahead, y to the left, z up, in metres.

A body is built once and drawn in every frame. Its parts are painted from the farthest to the nearest, so a
part is convex, and its markings belong to the face that they are on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from producers.synthetic.geometry import TURN, Floats, cos, sin

Colour = tuple[int, int, int]
"""Blue, green, red, 0..255."""
Point = tuple[float, float, float]

_CIRCLE: Final = tuple((cos(TURN * step / 12), sin(TURN * step / 12)) for step in range(12))


@dataclass(frozen=True)
class Limb:
    """A part that swings about an axis across the body.

    Attributes:
        pivot_x: Where the axis is, in metres ahead.
        pivot_z: And above the ground.
        swing_rad: How far it swings each way.
        phase_rad: Where in its swing it is when the body has not moved.
    """

    pivot_x: float
    pivot_z: float
    swing_rad: float
    phase_rad: float


@dataclass(frozen=True)
class Solid:
    """A body of V vertices in P polygons and G parts, as arrays.

    Attributes:
        vertices: float64 (V, 3), metres.
        flats: float64 (V, 2), added along the picture's right and up: for round parts, which face the camera.
        limb_of: intp (V,), 0 for what does not swing, else the limb's number.
        starts: intp (P + 1,), where each polygon's vertices begin.
        normals: float64 (P, 3), unit vectors outwards; zero for what faces every way.
        colours: float64 (P, 3), blue green red.
        strokes_m: Width of a polygon that is an outline only; 0 for a filled one.
        one_sided: bool (P,), whether it can be seen from its outside only.
        parts: intp (P,), which part it belongs to, in order of declaration.
        anchors: float64 (G, 3), a middle for each part; the part's layer first decides what covers what.
        layers: intp (G,).
        limbs: The limbs, the first with number 1.
        stride_m: The way on which limbs swing there and back once.
        outline: float64 (K, 3), the vertices that can be at the silhouette's border when the limbs hang.
        size: Length, width and height in metres.
        lamps: Where its lights are, their colours, and whether they are seen from ahead (1) or behind (-1).
    """

    vertices: Floats
    flats: Floats
    limb_of: NDArray[np.intp]
    starts: NDArray[np.intp]
    normals: Floats
    colours: Floats
    strokes_m: tuple[float, ...]
    one_sided: NDArray[np.bool_]
    parts: NDArray[np.intp]
    anchors: Floats
    layers: NDArray[np.intp]
    limbs: tuple[Limb, ...]
    stride_m: float
    outline: Floats
    size: tuple[float, float, float]
    lamps: tuple[tuple[Point, Colour, int], ...]


class Prism:
    """A part with a rectangle below and one above, and its faces, to put markings on.

    A face is its corners as seen from outside: bottom left, bottom right, top right, top left.
    """

    def __init__(
        self, low: tuple[float, float, float], high: tuple[float, float, float], z0: float, z1: float
    ) -> None:
        (x0, x1, w), (X0, X1, W) = low, high  # noqa: N806 - capitals are above
        self.front = ((x1, -w, z0), (x1, w, z0), (X1, W, z1), (X1, -W, z1))
        self.back = ((x0, w, z0), (x0, -w, z0), (X0, -W, z1), (X0, W, z1))
        self.right = ((x0, -w, z0), (x1, -w, z0), (X1, -W, z1), (X0, -W, z1))
        self.left = ((x1, w, z0), (x0, w, z0), (X0, W, z1), (X1, W, z1))
        self.top = ((X0, -W, z1), (X1, -W, z1), (X1, W, z1), (X0, W, z1))
        self.middle = ((x0 + x1 + X0 + X1) / 4, 0.0, (z0 + z1) / 2)


Face = Sequence[Point]


class SolidBuilder:
    """Puts a body together.

    Args:
        scale: All lengths are multiplied by it.
        stride_m: See `Solid`.
    """

    def __init__(self, scale: float = 1.0, stride_m: float = 1.5) -> None:
        self._scale = scale
        self._stride_m = stride_m
        self._points: list[Point] = []
        self._flats: list[tuple[float, float]] = []
        self._limb_of: list[int] = []
        self._starts = [0]
        self._polygons: list[tuple[Colour, float, bool, int]] = []
        self._anchors: list[Point] = []
        self._layers: list[int] = []
        self._limbs: list[Limb] = []
        self._outline: list[Point] = []
        self._lamps: list[tuple[Point, Colour, int]] = []
        self._limb = 0

    def part(self, anchor: Point, layer: int = 0) -> None:
        """Begin a part; what follows belongs to it."""
        self._anchors.append(anchor)
        self._layers.append(layer)

    def limb(self, limb: Limb | None) -> None:
        """What follows swings with this limb, or not any more."""
        if limb is not None:
            self._limbs.append(limb)
        self._limb = len(self._limbs) if limb is not None else 0

    def polygon(
        self,
        points: Face,
        colour: Colour,
        *,
        one_sided: bool = True,
        stroke_m: float = 0.0,
        flats: Sequence[tuple[float, float]] | None = None,
        outline: bool = False,
    ) -> None:
        """Add a polygon, its points counter-clockwise as seen from outside."""
        self._points += points
        self._flats += flats or [(0.0, 0.0)] * len(points)
        self._limb_of += [self._limb] * len(points)
        self._starts.append(len(self._points))
        self._polygons.append((colour, stroke_m, one_sided, len(self._anchors) - 1))
        if outline:
            self._outline += points

    def prism(
        self, prism: Prism, colour: Colour, *, top: Colour | None = None, layer: int = 0, new: bool = True
    ) -> Prism:
        """Add all faces of a prism but its bottom."""
        if new:
            self.part(prism.middle, layer)
        for face in (prism.front, prism.back, prism.right, prism.left):
            self.polygon(face, colour, outline=True)
        self.polygon(prism.top, top or colour)
        return prism

    def mark(self, face: Face, u0: float, u1: float, v0: float, v1: float, colour: Colour) -> None:
        """A rectangle on a face: u from its left to its right, v from its bottom to its top, 0..1."""
        corners = ((u0, v0), (u1, v0), (u1, v1), (u0, v1))
        self.polygon([on_face(face, u, v) for u, v in corners], colour)

    def sides(self, prism: Prism, a0: float, a1: float, v0: float, v1: float, colour: Colour) -> None:
        """The same rectangle on both sides: a from the rear to the front, v from the bottom to the top."""
        self.mark(prism.right, a0, a1, v0, v1, colour)
        self.mark(prism.left, 1 - a1, 1 - a0, v0, v1, colour)

    def disc(self, x: float, z: float, radius_m: float, y: float, colour: Colour, *, side: int) -> None:
        """A circle across the body's side, seen from the right (side -1) or the left (1)."""
        points = [(x - side * radius_m * c, y, z + radius_m * s) for c, s in _CIRCLE]
        self.polygon(points, colour)

    def wheels(self, x: float, half_width_m: float, radius_m: float, rim: Colour) -> None:
        """A wheel on each side."""
        for side in (-1, 1):
            y = side * half_width_m
            self.disc(x, radius_m, radius_m, y, (22, 22, 24), side=side)
            self.disc(x, radius_m, radius_m * 0.6, y + side * 0.01, rim, side=side)
            self._outline += [(x, y, 0.0), (x - radius_m, y, radius_m), (x + radius_m, y, radius_m)]

    def ball(
        self, centre: Point, radius_m: float, colour: Colour, *, squash: float = 1.0, half: bool = False
    ) -> None:
        """A round part; `half` is its upper half only."""
        ring = _CIRCLE[:7] if half else _CIRCLE
        flats = [(radius_m * c, radius_m * squash * s) for c, s in ring]
        self.polygon([centre] * len(ring), colour, one_sided=False, flats=flats)
        if not half:
            x, y, z = centre
            self._outline += [(x, y, z + radius_m), (x, y - radius_m, z), (x, y + radius_m, z)]

    def rod(self, points: Face, width_m: float, colour: Colour) -> None:
        """A thin bar through points."""
        self.polygon(points, colour, one_sided=False, stroke_m=width_m)

    def ring(self, x: float, z: float, radius_m: float, width_m: float, colour: Colour) -> None:
        """A thin wheel that one can look through."""
        points = [(x + radius_m * c, 0.0, z + radius_m * s) for c, s in _CIRCLE]
        self.polygon([*points, points[0]], colour, one_sided=False, stroke_m=width_m, outline=True)

    def lamp(self, at: Point, colour: Colour, towards: int) -> None:
        """A light that shines at dusk and at night."""
        self._lamps.append((at, colour, towards))

    def build(self, size: tuple[float, float, float]) -> Solid:
        """The body."""
        scale = self._scale
        vertices = np.array(self._points, dtype=np.float64) * scale
        starts = np.array(self._starts, dtype=np.intp)
        colours, strokes, one_sided, parts = zip(*self._polygons, strict=True)
        return Solid(
            vertices=vertices,
            flats=np.array(self._flats, dtype=np.float64) * scale,
            limb_of=np.array(self._limb_of, dtype=np.intp),
            starts=starts,
            normals=_normals(vertices, starts, np.array(one_sided)),
            colours=np.array(colours, dtype=np.float64),
            strokes_m=tuple(stroke * scale for stroke in strokes),
            one_sided=np.array(one_sided, dtype=np.bool_),
            parts=np.array(parts, dtype=np.intp),
            anchors=np.array(self._anchors, dtype=np.float64) * scale,
            layers=np.array(self._layers, dtype=np.intp),
            limbs=tuple(
                Limb(limb.pivot_x * scale, limb.pivot_z * scale, limb.swing_rad, limb.phase_rad)
                for limb in self._limbs
            ),
            stride_m=self._stride_m * scale,
            outline=np.array(self._outline or self._points, dtype=np.float64) * scale,
            size=(size[0] * scale, size[1] * scale, size[2] * scale),
            lamps=tuple(((p[0] * scale, p[1] * scale, p[2] * scale), c, t) for p, c, t in self._lamps),
        )


def on_face(face: Face, u: float, v: float) -> Point:
    """The point of a face at u from its left to its right and v from its bottom to its top."""
    a, b, c, d = (1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v
    low_left, low_right, high_right, high_left = face
    return (
        a * low_left[0] + b * low_right[0] + c * high_right[0] + d * high_left[0],
        a * low_left[1] + b * low_right[1] + c * high_right[1] + d * high_left[1],
        a * low_left[2] + b * low_right[2] + c * high_right[2] + d * high_left[2],
    )


def _normals(vertices: Floats, starts: NDArray[np.intp], one_sided: NDArray[np.bool_]) -> Floats:
    first = vertices[starts[:-1]]
    one, two = vertices[starts[:-1] + 1] - first, vertices[starts[:-1] + 2] - first
    cross = np.stack(
        [
            one[:, 1] * two[:, 2] - one[:, 2] * two[:, 1],
            one[:, 2] * two[:, 0] - one[:, 0] * two[:, 2],
            one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0],
        ],
        axis=1,
    )
    length = np.sqrt(cross[:, 0] * cross[:, 0] + cross[:, 1] * cross[:, 1] + cross[:, 2] * cross[:, 2])
    length[(length == 0) | ~one_sided] = np.inf
    normals: Floats = cross / length[:, None]
    return normals

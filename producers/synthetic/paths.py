"""Ways over the ground: polylines with rounded corners, measured along their length."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from producers.synthetic.geometry import TURN, cos, heading, sin

_Point = tuple[float, float]
_CORNER_STEPS: Final = 14


@dataclass(frozen=True, slots=True)
class Pose:
    """Where something is: metres, and radians counter-clockwise from the x axis.

    `gone_m` is how far it has gone, and `swing` (0..1) how much its limbs swing.
    """

    x: float
    y: float
    heading_rad: float
    gone_m: float = 0.0
    swing: float = 0.0

    def towards(self, other: "Pose", share: float) -> "Pose":
        """The pose that is `share` (0..1) of the way to another, turning the shorter way."""
        turn = other.heading_rad - self.heading_rad
        turn -= TURN * round(turn / TURN)
        return Pose(
            self.x + (other.x - self.x) * share,
            self.y + (other.y - self.y) * share,
            self.heading_rad + turn * share,
            self.gone_m + (other.gone_m - self.gone_m) * share,
            self.swing + (other.swing - self.swing) * share,
        )


class Path:
    """A way through points; at each inner point the corner is rounded by a quadratic curve.

    Args:
        points: Where it leads, in metres.
        corner_m: How far before and after an inner point its curve begins and ends.
    """

    def __init__(self, points: Sequence[_Point], corner_m: float = 4.0) -> None:
        self._points = _rounded(points, corner_m)
        self._at = [0.0]
        self._headings: list[float] = []
        for (x1, y1), (x2, y2) in zip(self._points, self._points[1:], strict=False):
            dx, dy = x2 - x1, y2 - y1
            self._at.append(self._at[-1] + math.sqrt(dx * dx + dy * dy))
            self._headings.append(heading(dx, dy))
        self.length_m = self._at[-1]

    def pose(self, at_m: float, left_m: float = 0.0) -> Pose:
        """The pose at `at_m` from the start, `left_m` to the left of the way; beyond its ends straight on."""
        piece = min(max(bisect_right(self._at, at_m) - 1, 0), len(self._headings) - 1)
        (x1, y1), (x2, y2) = self._points[piece], self._points[piece + 1]
        share = (at_m - self._at[piece]) / (self._at[piece + 1] - self._at[piece])
        angle = self._turned(piece, share)
        x, y = x1 + (x2 - x1) * share, y1 + (y2 - y1) * share
        if left_m:
            x, y = x - left_m * sin(angle), y + left_m * cos(angle)
        return Pose(x, y, angle, at_m)

    def _turned(self, piece: int, share: float) -> float:
        """The heading, turning evenly from the middle of one piece to the middle of the next."""
        other = piece + 1 if share > 0.5 else piece - 1
        if not 0 <= other < len(self._headings) or not 0 <= share <= 1:
            return self._headings[piece]
        turn = self._headings[other] - self._headings[piece]
        turn -= TURN * round(turn / TURN)
        own_m = self._at[piece + 1] - self._at[piece]
        other_m = self._at[other + 1] - self._at[other]
        away_m = abs(share - 0.5) * own_m
        reach_m = min(own_m, other_m)
        # The turn is spread over the shorter piece's length around the joint.
        into = max(0.0, away_m - (own_m - reach_m) / 2) / reach_m
        return self._headings[piece] + turn * into


def _rounded(points: Sequence[_Point], corner_m: float) -> list[_Point]:
    out = [points[0]]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        begin, end = _along(corner, before, corner_m), _along(corner, after, corner_m)
        for step in range(_CORNER_STEPS + 1):
            t = step / _CORNER_STEPS
            a, b, c = (1 - t) * (1 - t), 2 * t * (1 - t), t * t
            out.append((a * begin[0] + b * corner[0] + c * end[0], a * begin[1] + b * corner[1] + c * end[1]))
    return [*out, points[-1]]


def _along(start: _Point, end: _Point, distance_m: float) -> _Point:
    dx, dy = end[0] - start[0], end[1] - start[1]
    share = distance_m / math.sqrt(dx * dx + dy * dy)
    return start[0] + dx * share, start[1] + dy * share

"""Pieces of ground that scenes share: roads, markings, paving."""

from producers.synthetic.layout import Ground, Patch
from producers.synthetic.lots import Lot
from producers.synthetic.solids import Colour

WHITE: Colour = (205, 208, 208)
FAR_M = 60.0


def grey(lot: Lot, low: int, high: int) -> Colour:
    """A grey, slightly warm or cold."""
    level, tint = lot.integer(low, high), lot.integer(-4, 5)
    return level + tint, level, level - tint


def rectangle(x0: float, y0: float, x1: float, y1: float) -> tuple[Ground, ...]:
    """The corners of a rectangle along the axes."""
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def area(x0: float, y0: float, x1: float, y1: float, colour: Colour, grain: int = 6) -> Patch:
    """A rectangle of ground."""
    return Patch(rectangle(x0, y0, x1, y1), colour, grain)


def dashes_along_x(y: float, x0: float, x1: float, colour: Colour = WHITE) -> list[Patch]:
    """A broken line."""
    count = int((x1 - x0) // 3)
    return [area(x0 + 3 * step, y - 0.07, x0 + 3 * step + 1.5, y + 0.07, colour, 3) for step in range(count)]


def dashes_along_y(x: float, y0: float, y1: float, colour: Colour = WHITE) -> list[Patch]:
    """A broken line."""
    count = int((y1 - y0) // 3)
    return [area(x - 0.07, y0 + 3 * step, x + 0.07, y0 + 3 * step + 1.5, colour, 3) for step in range(count)]


def paving(x0: float, y0: float, x1: float, y1: float, colour: Colour, joint_m: float) -> list[Patch]:
    """Slabs with joints."""
    b, g, r = (round(c * 0.88) for c in colour)
    patches = [area(x0, y0, x1, y1, colour, 5)]
    at = x0 + joint_m
    while at < x1:
        patches.append(area(at, y0, at + 0.05, y1, (b, g, r), 3))
        at += joint_m
    at = y0 + joint_m
    while at < y1:
        patches.append(area(x0, at, x1, at + 0.05, (b, g, r), 3))
        at += joint_m
    return patches

"""What vehicles have in common: paints, glass, rims and lamps."""

from typing import Final

from producers.synthetic.lots import Lot
from producers.synthetic.solids import Colour, SolidBuilder

ACCENTS: Final[tuple[Colour, ...]] = (
    (30, 30, 32),
    (235, 235, 235),
    (40, 150, 60),
    (200, 90, 30),
    (40, 40, 190),
    (0, 200, 235),
    (0, 120, 240),
    (150, 60, 120),
    (190, 170, 40),
    (60, 80, 120),
    (160, 200, 130),
    (180, 150, 220),
)
GLASS: Final[tuple[Colour, ...]] = ((62, 52, 44), (38, 34, 32), (92, 80, 66))
RIMS: Final[tuple[Colour, ...]] = (
    (170, 170, 172),
    (70, 70, 72),
    (215, 215, 215),
    (30, 30, 30),
    (60, 110, 150),
)
HEADLAMP: Final[Colour] = (200, 245, 255)
TAIL_LAMP: Final[Colour] = (30, 20, 235)
DARK: Final[Colour] = (40, 38, 36)


def between(lot: Lot, low: Colour, high: Colour) -> Colour:
    """A shade between two."""
    share = lot.random()
    b, g, r = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return b, g, r


def add_lamps(build: SolidBuilder, nose: float, rear: float, half: float, z: float) -> None:
    """Head and tail lamps that shine at night: `half` metres to either side, at the height `z` in metres."""
    for y in (-half, half):
        build.lamp((nose, y, z), HEADLAMP, 1)
        build.lamp((rear, y, z), TAIL_LAMP, -1)

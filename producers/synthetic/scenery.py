"""Fixed things that scenes are furnished with."""

from producers.synthetic.geometry import TURN, cos, sin
from producers.synthetic.layout import Thing
from producers.synthetic.lots import Lot
from producers.synthetic.solids import Colour, Prism, SolidBuilder

_LEAVES: tuple[tuple[Colour, Colour], ...] = (
    ((28, 70, 38), (70, 140, 90)),
    ((24, 84, 66), (50, 150, 130)),
    ((30, 60, 30), (62, 118, 62)),
)
_WALLS: tuple[Colour, ...] = (
    (120, 140, 165),
    (150, 160, 168),
    (96, 108, 140),
    (170, 175, 178),
    (110, 130, 140),
)
_CONTAINERS: tuple[Colour, ...] = (
    (150, 90, 30),
    (50, 60, 150),
    (60, 110, 50),
    (40, 110, 180),
    (150, 150, 150),
)


def tree(lot: Lot, x: float, y: float, height_m: float = 5.5) -> Thing:
    """A tree with a round crown."""
    build = SolidBuilder()
    trunk = Prism((-0.14, 0.14, 0.14), (-0.1, 0.1, 0.1), 0.0, height_m * 0.6)
    build.prism(trunk, (40, 62, 84))
    dark, light = _LEAVES[lot.integer(0, len(_LEAVES))]
    crown = height_m * 0.3
    build.part((0.0, 0.0, height_m * 0.75), 1)
    for step in range(40):
        angle, out = TURN * lot.random(), lot.within_disc() * crown
        up = height_m * 0.74 + out * 0.8 * sin(angle)
        share = min(1.0, max(0.0, 0.25 + step / 52 + 0.25 * sin(angle)))
        b, g, r = (round(a + (c - a) * share) for a, c in zip(dark, light, strict=True))
        at = (0.0, out * cos(angle), up)
        build.ball(at, crown * lot.uniform(0.3, 0.55) * (1.2 - step / 60), (b, g, r), squash=0.85)
    return Thing(build.build((1.6 * crown, 1.6 * crown, height_m * 0.8)), x, y)


def bush(lot: Lot, x: float, y: float, height_m: float = 1.0) -> Thing:
    """A low bush."""
    build = SolidBuilder()
    dark, light = _LEAVES[lot.integer(0, len(_LEAVES))]
    build.part((0.0, 0.0, height_m / 2))
    for step in range(14):
        share = step / 13
        b, g, r = (round(a + (c - a) * share) for a, c in zip(dark, light, strict=True))
        side = lot.uniform(-0.6, 0.6) * height_m
        build.ball(
            (0.0, side, height_m * lot.uniform(0.3, 0.75)),
            height_m * (0.42 - 0.2 * share),
            (b, g, r),
            squash=0.8,
        )
    return Thing(build.build((height_m, height_m * 1.4, height_m)), x, y)


def pole(x: float, y: float, height_m: float, *, lamp: bool = False, signal: bool = False) -> Thing:
    """A post; with a lamp on an arm, or with a traffic light."""
    build = SolidBuilder()
    build.prism(Prism((-0.08, 0.08, 0.08), (-0.06, 0.06, 0.06), 0.0, height_m), (88, 90, 92))
    if lamp:
        build.prism(
            Prism((-0.1, 1.1, 0.06), (-0.1, 1.1, 0.06), height_m, height_m + 0.12), (88, 90, 92), layer=1
        )
        build.prism(
            Prism((0.6, 1.2, 0.14), (0.6, 1.2, 0.14), height_m - 0.06, height_m), (190, 220, 230), layer=1
        )
    if signal:
        head = Prism((-0.16, 0.16, 0.16), (-0.16, 0.16, 0.16), height_m - 0.9, height_m)
        build.prism(head, (28, 28, 28), layer=1)
    return Thing(build.build((0.2, 0.2, height_m)), x, y)


def building(lot: Lot, x: float, y: float, width_m: float, height_m: float, depth_m: float = 8.0) -> Thing:
    """A house whose front is at y, x in its middle."""
    build = SolidBuilder()
    wall = lot.pick(_WALLS)
    roof = lot.pick(((70, 74, 80), (60, 70, 110), (90, 92, 96)))
    half = width_m / 2
    # Built with its length along y, so that its middle is where it stands.
    body = Prism((0.0, depth_m, half), (0.0, depth_m, half), 0.0, height_m)
    build.prism(body, wall, top=roof)
    glass = lot.pick(((80, 66, 56), (58, 50, 46)))
    floors, columns = max(1, int(height_m // 2.8)), max(2, int(width_m // 2.2))
    for floor in range(floors):
        for column in range(columns):
            u0, v0 = (column + 0.22) / columns, (floor + 0.3) / floors
            u1, v1 = u0 + 0.56 / columns, v0 + 0.5 / floors
            for face in (body.back, body.left, body.right):
                build.mark(face, u0, u1, v0, v1, glass)
    if lot.chance(0.7):
        shade = lot.pick(((40, 50, 150), (60, 110, 60), (150, 100, 50), (60, 150, 200)))
        build.mark(body.back, 0.1, 0.9, 0.28 / floors + 0.5 / floors, 0.92 / floors, shade)
    return Thing(build.build((depth_m, width_m, height_m)), x, y, heading_rad=TURN / 4)


def wall(x: float, y: float, width_m: float, height_m: float, colour: Colour, stripe: Colour) -> Thing:
    """A straight piece of wall along x."""
    build = SolidBuilder()
    half = width_m / 2
    body = build.prism(Prism((0.0, 0.6, half), (0.0, 0.6, half), 0.0, height_m), colour)
    build.mark(body.back, 0.0, 1.0, 0.72, 0.84, stripe)
    for step in range(max(1, int(width_m))):
        u = step / max(1, int(width_m))
        b, g, r = (round(c * 0.93) for c in colour)
        build.mark(body.back, u, u + 0.012, 0.0, 0.72, (b, g, r))
    return Thing(build.build((0.6, width_m, height_m)), x, y, heading_rad=TURN / 4, casts=False)


def container(lot: Lot, x: float, y: float, heading_rad: float, length_m: float = 6.0) -> Thing:
    """A shipping container."""
    build = SolidBuilder()
    paint = lot.pick(_CONTAINERS)
    half = length_m / 2
    body = build.prism(Prism((-half, half, 1.2), (-half, half, 1.2), 0.0, 2.5), paint)
    b, g, r = (round(c * 0.78) for c in paint)
    for step in range(12):
        build.sides(body, step / 12 + 0.02, step / 12 + 0.05, 0.04, 0.96, (b, g, r))
    build.sides(body, 0.3, 0.7, 0.6, 0.8, (225, 225, 225))
    build.mark(body.front, 0.48, 0.52, 0.02, 0.98, (b, g, r))
    return Thing(build.build((length_m, 2.4, 2.5)), x, y, heading_rad)


def bench(x: float, y: float) -> Thing:
    """A bench along x."""
    build = SolidBuilder()
    build.prism(Prism((-0.8, 0.8, 0.22), (-0.8, 0.8, 0.22), 0.3, 0.45), (50, 84, 120))
    build.prism(Prism((-0.8, 0.8, 0.04), (-0.8, 0.8, 0.04), 0.45, 0.85), (44, 74, 108), layer=1)
    return Thing(build.build((1.6, 0.5, 0.8)), x, y)


def crates(lot: Lot, x: float, y: float) -> Thing:
    """A stack of crates."""
    build = SolidBuilder()
    for layer in range(lot.integer(1, 3)):
        shade = lot.pick(((90, 140, 180), (70, 110, 150), (140, 140, 140)))
        z = layer * 0.7
        body = build.prism(Prism((-0.6, 0.6, 0.5), (-0.6, 0.6, 0.5), z, z + 0.66), shade, layer=layer)
        build.sides(body, 0.0, 1.0, 0.45, 0.55, (50, 80, 110))
    return Thing(build.build((1.2, 1.0, 1.4)), x, y)

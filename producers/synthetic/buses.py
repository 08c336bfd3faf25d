"""City buses and school buses, each with details of its own."""

from producers.synthetic.bodywork import ACCENTS, DARK, GLASS, HEADLAMP, RIMS, add_lamps, between
from producers.synthetic.lots import Lot
from producers.synthetic.solids import Prism, Solid, SolidBuilder


def bus(lot: Lot, attribute: str) -> Solid:
    """A city bus with large windows, or a school bus: yellow, with a bonnet and black rails."""
    return _school_bus(lot) if attribute == "bus-school" else _city_bus(lot)


def _city_bus(lot: Lot) -> Solid:
    build = SolidBuilder(lot.uniform(0.95, 1.03))
    half, nose, rear, height = 1.2, 4.3, -4.3, lot.uniform(2.8, 3.0)
    paints = (
        (70, 140, 50),
        (180, 80, 30),
        (40, 40, 185),
        (225, 225, 225),
        (140, 130, 40),
        (110, 50, 110),
        (120, 120, 124),
    )
    paint, band = lot.pick(paints), lot.pick(ACCENTS)
    body = build.prism(
        Prism((rear, nose, half), (rear, nose - 0.1, half), 0.35, height),
        paint,
        top=lot.pick((paint, (215, 215, 215), (150, 150, 150))),
    )
    glass = lot.pick(GLASS)
    for step in range(6):
        build.sides(body, 0.03 + step * 0.155, 0.165 + step * 0.155, 0.48, 0.85, glass)
    kind = lot.integer(0, 4)
    if kind in (0, 3):
        build.sides(body, 0.0, 1.0, 0.22, 0.38, band)
    if kind in (1, 3):
        build.sides(body, 0.3, 0.62, 0.1, 0.45, lot.pick(ACCENTS))
    if kind == 2:
        build.sides(body, 0.0, 0.3, 0.02, 0.46, band)
    build.mark(body.right, 0.86, 0.95, 0.04, 0.85, glass)
    build.mark(body.front, 0.05, 0.95, 0.34, 0.8, glass)
    build.mark(body.front, 0.15, 0.85, 0.85, 0.97, (20, 20, 20))
    build.mark(body.front, 0.3, 0.7, 0.88, 0.94, (0, 170, 255))
    build.mark(body.back, 0.12, 0.88, 0.55, 0.85, glass)
    build.mark(body.back, 0.04, 0.14, 0.12, 0.3, (30, 20, 170))
    build.mark(body.back, 0.86, 0.96, 0.12, 0.3, (30, 20, 170))
    build.mark(body.front, 0.04, 0.18, 0.08, 0.2, HEADLAMP)
    build.mark(body.front, 0.82, 0.96, 0.08, 0.2, HEADLAMP)
    for x in (-2.7, 2.8):
        build.wheels(x, half + 0.01, 0.48, lot.pick(RIMS))
    if lot.chance(0.6):
        x = lot.uniform(-2.5, 1.0)
        build.prism(
            Prism((x, x + 1.8, 0.8), (x + 0.1, x + 1.7, 0.75), height, height + 0.25),
            (190, 190, 190),
            layer=2,
        )
    add_lamps(build, nose, rear, 1.0, 0.75)
    return build.build((8.6, 2 * half, height))


def _school_bus(lot: Lot) -> Solid:
    build = SolidBuilder(lot.uniform(0.94, 1.02))
    half, nose, rear, height = 1.15, 4.0, -4.0, 2.85
    paint = between(lot, (0, 150, 225), (10, 185, 250))
    body_front = 2.7
    roof = lot.pick((paint, paint, (235, 235, 235)))
    body = build.prism(
        Prism((rear, body_front, half), (rear, body_front - 0.25, half - 0.05), 0.4, height), paint, top=roof
    )
    glass = lot.pick(GLASS)
    for step in range(8):
        build.sides(body, 0.04 + step * 0.117, 0.125 + step * 0.117, 0.58, 0.84, glass)
    for low in (0.2, 0.44):
        build.sides(body, 0.0, 1.0, low, low + 0.06, (22, 22, 22))
    if lot.chance(0.5):
        build.sides(body, 0.35, 0.65, 0.28, 0.42, lot.pick(((22, 22, 22), (235, 235, 235), (60, 60, 190))))
    build.mark(body.front, 0.06, 0.94, 0.5, 0.82, glass)
    build.mark(body.back, 0.14, 0.44, 0.5, 0.8, glass)
    build.mark(body.back, 0.56, 0.86, 0.5, 0.8, glass)
    build.mark(body.back, 0.4, 0.6, 0.1, 0.45, (22, 22, 22))
    bonnet = build.prism(
        Prism((body_front, nose, half - 0.12), (body_front, nose - 0.2, half - 0.25), 0.4, 1.45),
        paint,
        top=paint if lot.chance(0.6) else (30, 30, 30),
    )
    build.mark(bonnet.front, 0.3, 0.7, 0.25, 0.8, DARK)
    build.mark(bonnet.front, 0.06, 0.24, 0.4, 0.75, HEADLAMP)
    build.mark(bonnet.front, 0.76, 0.94, 0.4, 0.75, HEADLAMP)
    for x in (-2.4, 3.1):
        build.part((x, 0.0, 0.4))
        build.wheels(x, half + 0.01, 0.48, lot.pick(RIMS))
    number = lot.integer(0, 3)
    for step in range(number):
        x = -3.0 + step * 2.2
        build.prism(
            Prism((x, x + 0.7, 0.4), (x, x + 0.7, 0.4), height, height + 0.15), lot.pick(ACCENTS), layer=2
        )
    add_lamps(build, nose, rear, 0.9, 0.85)
    return build.build((8.0, 2 * half, height))

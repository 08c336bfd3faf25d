"""Cars, trucks and buses, each with details of its own."""

from typing import Final

from producers.synthetic.lots import Lot
from producers.synthetic.solids import Colour, Prism, Solid, SolidBuilder

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
_GLASS: Final[tuple[Colour, ...]] = ((62, 52, 44), (38, 34, 32), (92, 80, 66))
_RIMS: Final[tuple[Colour, ...]] = (
    (170, 170, 172),
    (70, 70, 72),
    (215, 215, 215),
    (30, 30, 30),
    (60, 110, 150),
)
_HEAD: Final[Colour] = (200, 245, 255)
_TAIL: Final[Colour] = (30, 20, 235)
_DARK: Final[Colour] = (40, 38, 36)

_CAR_SHADES: Final[dict[str, tuple[Colour, Colour]]] = {
    "car-red": ((24, 16, 120), (48, 44, 225)),
    "car-blue": ((96, 36, 12), (225, 130, 40)),
    "car-white": ((205, 205, 202), (250, 250, 250)),
    "car-taxi": ((0, 165, 225), (20, 205, 255)),
}


def between(lot: Lot, low: Colour, high: Colour) -> Colour:
    """A shade between two."""
    share = lot.random()
    b, g, r = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return b, g, r


def car(lot: Lot, attribute: str) -> Solid:
    """A car: hatchback, saloon or estate, with a colour, roof, stripes, signs and wheels of its own."""
    paint = between(lot, *_CAR_SHADES[attribute])
    build = SolidBuilder(lot.uniform(0.95, 1.06))
    half, nose, rear = 0.88, 2.15, -2.15
    body = build.prism(Prism((rear, nose, half), (rear + 0.08, nose - 0.15, half - 0.04), 0.28, 0.86), paint)
    build.sides(body, 0.03, 0.97, 0.0, 0.14, _DARK)
    _car_marks(build, lot, body, attribute)
    rim = lot.pick(_RIMS)
    for x in (-1.32, 1.35):
        build.wheels(x, half + 0.01, 0.33, rim)
    style = lot.integer(0, 3)
    back, roof_back = ((-1.75, -1.35), (-1.5, -0.85), (-2.0, -1.85))[style]
    roof = paint if attribute == "car-taxi" or lot.chance(0.6) else lot.pick((_DARK, (225, 225, 225)))
    glass = lot.pick(_GLASS)
    cabin = build.prism(
        Prism((back, 0.95, half - 0.06), (roof_back, 0.25, half - 0.2), 0.86, 1.42), paint, top=roof, layer=1
    )
    for face in (cabin.front, cabin.back):
        build.mark(face, 0.07, 0.93, 0.12, 0.9, glass)
    build.sides(cabin, 0.06, 0.48, 0.15, 0.86, glass)
    build.sides(cabin, 0.53, 0.92, 0.15, 0.86, glass)
    _car_top(build, lot, attribute, roof_back)
    _lamps(build, nose, rear, half - 0.22, 0.66)
    return build.build((4.3, 2 * half, 1.42))


def _car_marks(build: SolidBuilder, lot: Lot, body: Prism, attribute: str) -> None:
    build.mark(body.front, 0.04, 0.24, 0.5, 0.85, _HEAD)
    build.mark(body.front, 0.76, 0.96, 0.5, 0.85, _HEAD)
    build.mark(body.front, 0.3, 0.7, 0.3, 0.75, _DARK)
    build.mark(body.back, 0.03, 0.2, 0.45, 0.85, (30, 20, 170))
    build.mark(body.back, 0.8, 0.97, 0.45, 0.85, (30, 20, 170))
    build.mark(body.back, 0.36, 0.64, 0.3, 0.55, (225, 225, 225))
    accent = lot.pick(ACCENTS)
    if attribute == "car-taxi":
        for step in range(8):
            build.sides(body, 0.1 + step * 0.1, 0.15 + step * 0.1, 0.62, 0.85, (20, 20, 20))
        if lot.chance(0.5):
            build.sides(body, 0.38, 0.6, 0.2, 0.55, accent)
        if lot.chance(0.4):
            build.mark(body.top, 0.72, 0.97, 0.15, 0.85, lot.pick(((20, 20, 20), (240, 240, 240))))
        return
    mark = lot.integer(0, 5)
    if mark == 0:  # racing stripes over the bonnet
        build.mark(body.top, 0.7, 1.0, 0.25, 0.42, accent)
        build.mark(body.top, 0.7, 1.0, 0.58, 0.75, accent)
    elif mark == 1:  # a line along the sides
        build.sides(body, 0.02, 0.98, 0.42, 0.66, accent)
    elif mark == 2:  # a sign on the doors
        build.sides(body, 0.34, 0.62, 0.3, 0.9, accent)
    elif mark == 3:  # a bonnet in another colour
        build.mark(body.top, 0.72, 1.0, 0.02, 0.98, accent)


def _car_top(build: SolidBuilder, lot: Lot, attribute: str, roof_back: float) -> None:
    if attribute == "car-taxi":
        sign = Prism((-0.35, -0.05, 0.34), (-0.3, -0.1, 0.28), 1.42, 1.64)
        build.prism(sign, (240, 250, 250), layer=2)
        build.mark(sign.front, 0.2, 0.8, 0.25, 0.75, _DARK)
        return
    kind = lot.integer(0, 5)
    if kind == 0:
        build.prism(
            Prism((roof_back + 0.1, 0.1, 0.36), (roof_back + 0.2, -0.1, 0.3), 1.42, 1.7),
            lot.pick(ACCENTS),
            layer=2,
        )
    elif kind == 1:
        for x in (roof_back + 0.2, -0.05):
            build.prism(Prism((x, x + 0.1, 0.62), (x, x + 0.1, 0.62), 1.42, 1.5), (50, 50, 52), layer=2)
    elif kind == 2:
        glass = Prism((roof_back + 0.25, 0.12, 0.5), (roof_back + 0.25, 0.12, 0.5), 1.42, 1.43)
        build.prism(glass, lot.pick(_GLASS), layer=2)


def _lamps(build: SolidBuilder, nose: float, rear: float, half: float, z: float) -> None:
    for y in (-half, half):
        build.lamp((nose, y, z), _HEAD, 1)
        build.lamp((rear, y, z), _TAIL, -1)


def truck(lot: Lot, attribute: str) -> Solid:
    """A truck with a box or a tank behind its cab."""
    build = SolidBuilder(lot.uniform(0.94, 1.05))
    half, nose, rear = 1.12, 3.3, -3.3
    paint = lot.pick((*ACCENTS[1:], (40, 40, 180), (150, 60, 20)))
    rim = lot.pick(_RIMS)
    build.part((0.0, 0.0, 0.5), -1)
    frame = build.prism(
        Prism((rear, nose - 0.2, 0.9), (rear, nose - 0.2, 0.9), 0.45, 0.8), (52, 52, 54), new=False
    )
    build.mark(frame.back, 0.02, 0.2, 0.2, 0.8, (30, 20, 170))
    build.mark(frame.back, 0.8, 0.98, 0.2, 0.8, (30, 20, 170))
    for x in (-2.6, -1.7, 2.2):
        build.wheels(x, half - 0.08, 0.48, rim)
    cab_back = 1.5
    cab_roof = lot.uniform(2.3, 2.65)
    cab = build.prism(
        Prism((cab_back, nose, half), (cab_back, nose - 0.25, half - 0.08), 0.75, cab_roof), paint
    )
    glass = lot.pick(_GLASS)
    build.mark(cab.front, 0.08, 0.92, 0.48, 0.88, glass)
    build.sides(cab, 0.35, 0.9, 0.5, 0.86, glass)
    build.mark(cab.front, 0.04, 0.2, 0.05, 0.18, _HEAD)
    build.mark(cab.front, 0.8, 0.96, 0.05, 0.18, _HEAD)
    if lot.chance(0.5):
        build.mark(cab.front, 0.25, 0.75, 0.08, 0.36, lot.pick(ACCENTS))
    if lot.chance(0.4):
        build.sides(cab, 0.1, 0.98, 0.22, 0.36, lot.pick(ACCENTS))
    if attribute == "truck-tanker":
        height = _tank(build, lot, rear, cab_back - 0.25)
    else:
        height = _cargo_box(build, lot, rear, cab_back - 0.25, half)
    _lamps(build, nose, rear, 0.9, 0.8)
    return build.build((6.6, 2 * half, height))


def _cargo_box(build: SolidBuilder, lot: Lot, rear: float, front: float, half: float) -> float:
    height = lot.uniform(2.85, 3.2)
    paint = between(lot, (215, 212, 208), (246, 246, 246)) if lot.chance(0.35) else lot.pick(ACCENTS[1:])
    box = build.prism(Prism((rear, front, half), (rear, front, half), 0.85, height), paint)
    one, two = lot.pick(ACCENTS), lot.pick(ACCENTS)
    kind = lot.integer(0, 5)
    if kind in (0, 4):
        low = lot.uniform(0.1, 0.6)
        build.sides(box, 0.0, 1.0, low, low + 0.22, one)
    if kind in (1, 4):
        build.sides(box, 0.12, 0.5, 0.3, 0.8, two)
        build.sides(box, 0.55, 0.9, 0.45, 0.6, one)
    if kind == 2:
        for step in range(4):
            build.sides(box, 0.06 + step * 0.24, 0.18 + step * 0.24, 0.08, 0.94, one)
    if kind == 3:
        build.sides(box, 0.5, 1.0, 0.0, 1.0, one)
        build.sides(box, 0.3, 0.5, 0.35, 0.65, two)
    build.mark(box.back, 0.05, 0.48, 0.06, 0.94, paint if lot.chance(0.5) else two)
    build.mark(box.back, 0.485, 0.515, 0.03, 0.97, _DARK)
    if lot.chance(0.5):
        build.mark(box.top, 0.2, 0.8, 0.25, 0.75, lot.pick(((210, 210, 210), (120, 120, 122), two)))
    return height


def _tank(build: SolidBuilder, lot: Lot, rear: float, front: float) -> float:
    """A lying tank with eight sides, and bands around it."""
    shade = lot.pick(((198, 196, 192), (165, 165, 168), (232, 232, 230), (150, 190, 215), (120, 150, 110)))
    band, warn = lot.pick(ACCENTS), lot.pick(((0, 130, 245), (40, 40, 200), (60, 160, 60), (200, 110, 40)))
    ring = [
        (1.02, 1.25),
        (1.02, 1.95),
        (0.62, 2.4),
        (-0.62, 2.4),
        (-1.02, 1.95),
        (-1.02, 1.25),
        (-0.62, 0.85),
        (0.62, 0.85),
    ]
    build.part(((rear + front) / 2, 0.0, 1.6))
    build.polygon([(front, y, z) for y, z in ring], shade, outline=True)
    build.polygon([(rear, y, z) for y, z in reversed(ring)], shade, outline=True)
    strips = [(0.0, 1.0, shade), (0.1, 0.17, band), (0.83, 0.9, band), (0.46, 0.53, _DARK)]
    for (y0, z0), (y1, z1) in zip(ring, [*ring[1:], ring[0]], strict=True):
        face = ((front, y0, z0), (rear, y0, z0), (rear, y1, z1), (front, y1, z1))
        for low, high, colour in strips:
            build.mark(face, 1 - high, 1 - low, 0.0, 1.0, colour)
    for y in (-1.03, 1.03):
        x0, x1 = rear + 1.1, rear + 2.0
        points = [(x0, y, 1.3), (x1, y, 1.3), (x1, y, 1.9), (x0, y, 1.9)]
        build.polygon(points if y < 0 else points[::-1], warn)
    back = [(rear - 0.01, y * 0.5, 1.6 + (z - 1.6) * 0.5) for y, z in reversed(ring)]
    build.polygon(back, warn)
    hatch = Prism((-1.4, -0.6, 0.3), (-1.4, -0.6, 0.3), 2.4, 2.58)
    build.prism(hatch, (90, 90, 92), layer=2)
    return 2.58


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
    glass = lot.pick(_GLASS)
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
    build.mark(body.front, 0.04, 0.18, 0.08, 0.2, _HEAD)
    build.mark(body.front, 0.82, 0.96, 0.08, 0.2, _HEAD)
    for x in (-2.7, 2.8):
        build.wheels(x, half + 0.01, 0.48, lot.pick(_RIMS))
    if lot.chance(0.6):
        x = lot.uniform(-2.5, 1.0)
        build.prism(
            Prism((x, x + 1.8, 0.8), (x + 0.1, x + 1.7, 0.75), height, height + 0.25),
            (190, 190, 190),
            layer=2,
        )
    _lamps(build, nose, rear, 1.0, 0.75)
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
    glass = lot.pick(_GLASS)
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
    build.mark(bonnet.front, 0.3, 0.7, 0.25, 0.8, _DARK)
    build.mark(bonnet.front, 0.06, 0.24, 0.4, 0.75, _HEAD)
    build.mark(bonnet.front, 0.76, 0.94, 0.4, 0.75, _HEAD)
    for x in (-2.4, 3.1):
        build.part((x, 0.0, 0.4))
        build.wheels(x, half + 0.01, 0.48, lot.pick(_RIMS))
    number = lot.integer(0, 3)
    for step in range(number):
        x = -3.0 + step * 2.2
        build.prism(
            Prism((x, x + 0.7, 0.4), (x, x + 0.7, 0.4), height, height + 0.15), lot.pick(ACCENTS), layer=2
        )
    _lamps(build, nose, rear, 0.9, 0.85)
    return build.build((8.0, 2 * half, height))

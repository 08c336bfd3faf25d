"""Trucks with a box or a tank, each with a livery of its own."""

from producers.synthetic.bodywork import ACCENTS, DARK, GLASS, HEADLAMP, RIMS, add_lamps, between
from producers.synthetic.lots import Lot
from producers.synthetic.solids import Prism, Solid, SolidBuilder


def truck(lot: Lot, attribute: str) -> Solid:
    """A truck with a box or a tank behind its cab."""
    build = SolidBuilder(lot.uniform(0.94, 1.05))
    half, nose, rear = 1.12, 3.3, -3.3
    paint = lot.pick((*ACCENTS[1:], (40, 40, 180), (150, 60, 20)))
    rim = lot.pick(RIMS)
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
    glass = lot.pick(GLASS)
    build.mark(cab.front, 0.08, 0.92, 0.48, 0.88, glass)
    build.sides(cab, 0.35, 0.9, 0.5, 0.86, glass)
    build.mark(cab.front, 0.04, 0.2, 0.05, 0.18, HEADLAMP)
    build.mark(cab.front, 0.8, 0.96, 0.05, 0.18, HEADLAMP)
    if lot.chance(0.5):
        build.mark(cab.front, 0.25, 0.75, 0.08, 0.36, lot.pick(ACCENTS))
    if lot.chance(0.4):
        build.sides(cab, 0.1, 0.98, 0.22, 0.36, lot.pick(ACCENTS))
    if attribute == "truck-tanker":
        height = _tank(build, lot, rear, cab_back - 0.25)
    else:
        height = _cargo_box(build, lot, rear, cab_back - 0.25, half)
    add_lamps(build, nose, rear, 0.9, 0.8)
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
    build.mark(box.back, 0.485, 0.515, 0.03, 0.97, DARK)
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
    strips = [(0.0, 1.0, shade), (0.1, 0.17, band), (0.83, 0.9, band), (0.46, 0.53, DARK)]
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

"""Cars, each with a paint, roof, stripes, signs and wheels of its own."""

from typing import Final

from producers.synthetic.bodywork import ACCENTS, DARK, GLASS, HEADLAMP, RIMS, add_lamps, between
from producers.synthetic.lots import Lot
from producers.synthetic.solids import Colour, Prism, Solid, SolidBuilder

_CAR_SHADES: Final[dict[str, tuple[Colour, Colour]]] = {
    "car-red": ((24, 16, 120), (48, 44, 225)),
    "car-blue": ((96, 36, 12), (225, 130, 40)),
    "car-white": ((205, 205, 202), (250, 250, 250)),
    "car-taxi": ((0, 165, 225), (20, 205, 255)),
}


def car(lot: Lot, attribute: str) -> Solid:
    """A car: hatchback, saloon or estate, with a colour, roof, stripes, signs and wheels of its own."""
    paint = between(lot, *_CAR_SHADES[attribute])
    build = SolidBuilder(lot.uniform(0.95, 1.06))
    half, nose, rear = 0.88, 2.15, -2.15
    body = build.prism(Prism((rear, nose, half), (rear + 0.08, nose - 0.15, half - 0.04), 0.28, 0.86), paint)
    build.sides(body, 0.03, 0.97, 0.0, 0.14, DARK)
    _car_marks(build, lot, body, attribute)
    rim = lot.pick(RIMS)
    for x in (-1.32, 1.35):
        build.wheels(x, half + 0.01, 0.33, rim)
    style = lot.integer(0, 3)
    back, roof_back = ((-1.75, -1.35), (-1.5, -0.85), (-2.0, -1.85))[style]
    roof = paint if attribute == "car-taxi" or lot.chance(0.6) else lot.pick((DARK, (225, 225, 225)))
    glass = lot.pick(GLASS)
    cabin = build.prism(
        Prism((back, 0.95, half - 0.06), (roof_back, 0.25, half - 0.2), 0.86, 1.42), paint, top=roof, layer=1
    )
    for face in (cabin.front, cabin.back):
        build.mark(face, 0.07, 0.93, 0.12, 0.9, glass)
    build.sides(cabin, 0.06, 0.48, 0.15, 0.86, glass)
    build.sides(cabin, 0.53, 0.92, 0.15, 0.86, glass)
    _car_top(build, lot, attribute, roof_back)
    add_lamps(build, nose, rear, half - 0.22, 0.66)
    return build.build((4.3, 2 * half, 1.42))


def _car_marks(build: SolidBuilder, lot: Lot, body: Prism, attribute: str) -> None:
    build.mark(body.front, 0.04, 0.24, 0.5, 0.85, HEADLAMP)
    build.mark(body.front, 0.76, 0.96, 0.5, 0.85, HEADLAMP)
    build.mark(body.front, 0.3, 0.7, 0.3, 0.75, DARK)
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
        build.mark(sign.front, 0.2, 0.8, 0.25, 0.75, DARK)
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
        build.prism(glass, lot.pick(GLASS), layer=2)

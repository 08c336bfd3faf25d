"""People on foot and on bicycles, each with clothes and things of their own."""

import math
from typing import Final

from producers.synthetic.bodywork import ACCENTS
from producers.synthetic.lots import Lot
from producers.synthetic.solids import Colour, Limb, Point, Prism, Solid, SolidBuilder

_SKINS: Final[tuple[Colour, ...]] = ((150, 180, 225), (120, 155, 205), (80, 110, 160), (50, 70, 105))
_HAIR: Final[tuple[Colour, ...]] = (
    (25, 25, 28),
    (40, 60, 90),
    (90, 160, 205),
    (150, 150, 152),
    (30, 60, 140),
)
_TROUSERS: Final[tuple[Colour, ...]] = (
    (100, 60, 35),
    (40, 38, 36),
    (90, 120, 150),
    (60, 80, 60),
    (150, 150, 150),
    (60, 40, 90),
    (35, 60, 100),
    (190, 185, 180),
)
# No orange and no lime: those are for people at work.
_SHIRTS: Final[tuple[Colour, ...]] = (
    (40, 40, 190),
    (200, 110, 40),
    (60, 120, 50),
    (235, 235, 232),
    (36, 36, 38),
    (140, 60, 130),
    (180, 150, 225),
    (110, 110, 112),
    (90, 50, 30),
    (190, 190, 60),
    (60, 90, 140),
    (150, 200, 230),
)
_VESTS: Final[tuple[Colour, ...]] = ((0, 110, 255), (20, 240, 200))
_HELMETS: Final[tuple[Colour, ...]] = ((250, 250, 250), (0, 215, 255), (220, 130, 30), (40, 40, 220))
_WORK_TROUSERS: Final[tuple[Colour, ...]] = (
    (95, 55, 25),
    (60, 60, 62),
    (30, 90, 220),
    (130, 130, 128),
    (40, 60, 50),
)
_STRIPE: Final[Colour] = (240, 245, 245)
_BAGS: Final[tuple[Colour, ...]] = (
    (180, 200, 0),
    (0, 130, 255),
    (180, 60, 240),
    (60, 200, 40),
    (40, 40, 230),
    (235, 120, 20),
)


def person(lot: Lot, attribute: str) -> Solid:
    """A person on foot; one at work wears a bright vest with stripes and a helmet."""
    build = SolidBuilder(lot.uniform(0.96, 1.1), stride_m=1.45)
    working = attribute == "person-worker"
    trousers = lot.pick(_WORK_TROUSERS if working else _TROUSERS)
    shirt = lot.pick(_VESTS if working else _SHIRTS)
    sleeve = lot.pick(((95, 55, 25), (60, 60, 62), shirt)) if working else shirt
    skin = lot.pick(_SKINS)
    _legs(build, lot, trousers, skin, short=not working and lot.chance(0.25))
    coat = not working and lot.chance(0.25)
    low = 0.6 if coat else 0.84
    torso = build.prism(Prism((-0.14, 0.14, 0.22), (-0.12, 0.13, 0.27), low, 1.46), shirt, layer=1)
    if working:
        for face in (torso.front, torso.back, torso.left, torso.right):
            build.mark(face, 0.0, 1.0, 0.18, 0.34, _STRIPE)
            if face in (torso.front, torso.back):
                build.mark(face, 0.1, 0.28, 0.34, 1.0, _STRIPE)
                build.mark(face, 0.72, 0.9, 0.34, 1.0, _STRIPE)
    else:
        _shirt_marks(build, lot, torso)
    _arms(build, sleeve, skin if lot.chance(0.7) or working else sleeve)
    things = lot.integer(0, 4)
    if things == 0:
        _backpack(build, lot.pick(ACCENTS))
    elif things == 1 and not working:
        build.prism(Prism((-0.18, 0.18, 0.1), (-0.18, 0.18, 0.1), 0.45, 0.8), lot.pick(ACCENTS), layer=1)
    elif things == 2 and working:
        build.prism(Prism((0.2, 0.5, 0.25), (0.2, 0.5, 0.25), 0.95, 1.3), (110, 160, 200), layer=1)
    _head(build, lot, skin, working=working)
    return build.build((0.5, 0.66, 1.8))


def _legs(build: SolidBuilder, lot: Lot, trousers: Colour, skin: Colour, *, short: bool) -> None:
    shoe = lot.pick(((30, 30, 32), (230, 230, 230), (50, 80, 120), (50, 50, 200)))
    for side, phase in ((-1, 0.0), (1, math.pi)):
        y = side * 0.11
        build.limb(Limb(0.0, 0.86, 0.42, phase))
        build.part((0.0, y, 0.4))
        for prism, colour in (
            (Prism((-0.08, 0.2, 0.08), (-0.09, 0.1, 0.08), 0.0, 0.1), shoe),
            (Prism((-0.08, 0.08, 0.08), (-0.09, 0.09, 0.09), 0.1, 0.45), skin if short else trousers),
            (Prism((-0.1, 0.1, 0.09), (-0.12, 0.12, 0.11), 0.45, 0.88), trousers),
        ):
            build.prism(_moved(prism, y), colour, new=False)
    build.limb(None)


def _arms(build: SolidBuilder, sleeve: Colour, hand: Colour) -> None:
    for side, phase in ((-1, math.pi), (1, 0.0)):
        y = side * 0.3
        build.limb(Limb(0.0, 1.4, 0.38, phase))
        build.part((0.0, y, 1.1), 1)
        build.prism(
            _moved(Prism((-0.06, 0.06, 0.055), (-0.08, 0.08, 0.065), 1.0, 1.42), y), sleeve, new=False
        )
        build.prism(_moved(Prism((-0.05, 0.05, 0.05), (-0.06, 0.06, 0.055), 0.78, 1.0), y), hand, new=False)
    build.limb(None)


def _shirt_marks(build: SolidBuilder, lot: Lot, torso: Prism) -> None:
    kind = lot.integer(0, 5)
    accent = lot.pick(_SHIRTS)
    faces = (torso.front, torso.back, torso.left, torso.right)
    if kind == 0:
        for face in faces:
            build.mark(face, 0.0, 1.0, 0.5, 0.75, accent)
    elif kind == 1:
        for face in faces:
            build.mark(face, 0.0, 1.0, 0.0, 0.4, accent)
    elif kind == 2:
        build.mark(torso.front, 0.25, 0.75, 0.4, 0.85, accent)
        build.mark(torso.back, 0.2, 0.8, 0.35, 0.85, accent)
    elif kind == 3:
        build.mark(torso.front, 0.38, 0.62, 0.0, 1.0, accent)


def _backpack(build: SolidBuilder, colour: Colour) -> None:
    bag = build.prism(Prism((-0.36, -0.14, 0.2), (-0.32, -0.14, 0.18), 0.95, 1.42), colour, layer=1)
    build.mark(bag.back, 0.2, 0.8, 0.1, 0.5, (60, 60, 62))


def _head(build: SolidBuilder, lot: Lot, skin: Colour, *, working: bool) -> None:
    centre: Point = (0.0, 0.0, 1.62)
    build.part(centre, 2)
    build.ball(centre, 0.145, skin, squash=1.15)
    above: Point = (0.0, 0.0, 1.65)
    if working:
        helmet = lot.pick(_HELMETS)
        build.ball(above, 0.19, helmet, half=True, squash=1.0)
        build.mark(
            ((0.18, -0.17, 1.66), (0.18, 0.17, 1.66), (0.1, 0.14, 1.7), (0.1, -0.14, 1.7)), 0, 1, 0, 1, helmet
        )
    elif lot.chance(0.3):
        build.ball(above, 0.18, lot.pick(ACCENTS), half=True)
    else:
        build.ball(above, 0.165, lot.pick(_HAIR), half=True, squash=1.05)


def _moved(prism: Prism, y: float) -> Prism:
    for name in ("front", "back", "right", "left", "top"):
        setattr(prism, name, tuple((p[0], p[1] + y, p[2]) for p in getattr(prism, name)))
    return prism


def bicycle(lot: Lot, attribute: str) -> Solid:
    """A cyclist; a courier has a large bright box on the back."""
    build = SolidBuilder(lot.uniform(0.98, 1.08), stride_m=4.5)
    frame = lot.pick(ACCENTS)
    tyre = lot.pick(((28, 28, 30), (28, 28, 30), (200, 200, 200)))
    build.part((0.0, 0.0, 0.4), -1)
    for x in (-0.54, 0.56):
        build.ring(x, 0.35, 0.32, 0.07, tyre)
    hub, saddle, bar, crank = (-0.54, 0.0, 0.35), (-0.2, 0.0, 0.95), (0.42, 0.0, 1.0), (-0.02, 0.0, 0.35)
    for points in ((hub, crank, saddle), (saddle, (0.38, 0.0, 0.85), crank), (bar, (0.56, 0.0, 0.35))):
        build.rod(points, 0.07, frame)
    if lot.chance(0.35):
        build.prism(Prism((0.5, 0.85, 0.22), (0.5, 0.9, 0.25), 0.75, 1.0), lot.pick(ACCENTS))
    _rider(build, lot, courier=attribute == "bicycle-courier")
    build.lamp((0.6, 0.0, 0.85), (220, 250, 255), 1)
    build.lamp((-0.6, 0.0, 0.75), (30, 20, 235), -1)
    return build.build((1.75, 0.6, 1.75))


def _rider(build: SolidBuilder, lot: Lot, *, courier: bool) -> None:
    trousers, shirt, skin = lot.pick(_TROUSERS), lot.pick(_SHIRTS), lot.pick(_SKINS)
    for side, phase in ((-1, 0.0), (1, math.pi)):
        build.limb(Limb(-0.15, 1.0, 0.3, phase))
        build.part((0.0, side * 0.12, 0.6))
        y = side * 0.13
        build.prism(_moved(Prism((-0.05, 0.12, 0.08), (-0.2, 0.02, 0.1), 0.32, 1.02), y), trousers, new=False)
    build.limb(None)
    torso = build.prism(Prism((-0.3, 0.0, 0.2), (-0.02, 0.2, 0.24), 0.95, 1.48), shirt, layer=1)
    if lot.chance(0.5):
        accent = lot.pick(_SHIRTS)
        for face in (torso.front, torso.back, torso.left, torso.right):
            build.mark(face, 0.0, 1.0, 0.4, 0.75, accent)
    for side in (-1, 1):
        build.part((0.2, side * 0.25, 1.2), 1)
        build.rod(
            ((0.12, side * 0.24, 1.42), (0.42, side * 0.24, 1.02)), 0.1, shirt if lot.chance(0.6) else skin
        )
    if courier:
        bag = lot.pick(_BAGS)
        box = build.prism(Prism((-0.72, -0.2, 0.3), (-0.66, -0.14, 0.3), 1.0, 1.62), bag, layer=1)
        label = lot.pick(((245, 245, 245), (25, 25, 25)))
        build.mark(box.back, 0.2, 0.8, 0.3, 0.7, label)
        build.sides(box, 0.2, 0.8, 0.3, 0.65, label)
    elif lot.chance(0.3):
        build.prism(
            Prism((-0.4, -0.15, 0.15), (-0.3, -0.1, 0.14), 1.08, 1.42), lot.pick(ACCENTS[:4]), layer=1
        )
    centre: Point = (0.16, 0.0, 1.62)
    build.part(centre, 2)
    build.ball(centre, 0.14, skin, squash=1.15)
    hat = lot.pick(ACCENTS) if lot.chance(0.6) else lot.pick(_HAIR)
    build.ball((0.14, 0.0, 1.65), 0.18, hat, half=True)

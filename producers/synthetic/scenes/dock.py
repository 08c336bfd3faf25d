"""A loading dock: trucks back into bays and leave again, people work between them, a street runs in front."""

from typing import Final

from producers.synthetic.geometry import TURN, look_at_origin
from producers.synthetic.kinds import SceneSettings
from producers.synthetic.layout import Layout, Leg, Patch, Route, Signals, Thing
from producers.synthetic.lots import Lot
from producers.synthetic.paths import Path
from producers.synthetic.scenery import container, crates, pole, tree, wall
from producers.synthetic.scenes.surfaces import FAR_M, WHITE, area, dashes_along_x, grey, paving, rectangle
from producers.synthetic.solids import Prism, SolidBuilder

_BAYS: Final = (-7.0, 0.0, 7.0)
_DOORS: Final = (-10.5, -3.5, 3.5, 10.5)
_DOOR: Final = 0.8
"""Half of a door's width, in metres."""
_WALL: Final = 9.6
_YARD: Final = -0.5
_STREET_Y: Final = -8.8
_FAR: Final = 36.0
_STREET: Final = {
    "car-red": 1.0,
    "car-blue": 1.0,
    "car-white": 1.0,
    "car-taxi": 1.0,
    "truck-box": 0.3,
    "truck-tanker": 0.3,
    "bus-city": 0.5,
    "bus-school": 0.5,
}


def dock(settings: SceneSettings, lot: Lot) -> Layout:
    """Lay out a dock; the camera's place, the furniture and the colours are drawn by lot."""
    view = look_at_origin(
        settings.width,
        settings.height,
        focal_px=lot.uniform(1080, 1180),
        range_m=lot.uniform(53, 56),
        pitch_deg=lot.uniform(27, 31),
        yaw_deg=lot.uniform(-9, 9),
    )
    return Layout(
        view=view,
        routes=(*_trucks(), *_workers(), *_street(), *_walkers()),
        signals=Signals(),
        base=Patch((), grey(lot, 120, 140), 7),
        ground=_ground(lot),
        things=_things(lot),
        lines={
            "gate-west": ((-10.5, -2.6), (-10.5, 2.2)),
            "gate-east": ((10.5, -2.6), (10.5, 2.2)),
            "street": ((-3.5, -12.7), (-3.5, -5.5)),
        },
        zones={
            f"bay-{number + 1}": rectangle(x - 1.9, 0.9, x + 1.9, _WALL) for number, x in enumerate(_BAYS)
        },
        street_lamps=((-9.0, 8.8), (0.0, 9.0), (9.0, 8.8), (-8.0, -6.0), (8.0, -6.0)),
    )


def _trucks() -> list[Route]:
    routes = []
    for number, x in enumerate(_BAYS):
        beyond = x + 9.0
        inside = _WALL - 3.6
        enter = Leg(Path([(-_FAR, _YARD), (beyond, _YARD)]), lock="yard")
        back = Leg(
            Path([(beyond, _YARD), (x, _YARD), (x, inside)], 4.5),
            backwards=True,
            wait_s=(9.0, 20.0),
            lock="yard",
        )
        leave = Leg(Path([(x, inside), (x, _YARD), (_FAR, _YARD)], 5.0), lock="yard")
        routes.append(
            Route(
                legs=(enter, back, leave),
                manner="drive",
                attributes={"truck-box": 1.0, "truck-tanker": 1.0},
                every_s=22.0,
                speed_m_s=(4.0, 5.0),
                claim=f"bay-{number + 1}",
            )
        )
    return routes


def _workers() -> list[Route]:
    routes = []
    for x in _DOORS:
        for side in (-1, 1):
            column = x + side * 0.45
            out = Path([(column, _WALL + 2.0), (column, 3.6)])
            back = Path([(column + side * 0.3, 3.6), (column, _WALL + 2.0)])
            routes.append(
                Route(
                    legs=(Leg(out, wait_s=(2.0, 9.0)), Leg(back)),
                    manner="walk",
                    attributes={"person-worker": 4.0, "person-casual": 1.0},
                    every_s=24.0,
                    speed_m_s=(0.9, 1.4),
                    left_m=(0.0, 0.0),
                )
            )
    return routes


def _walkers() -> list[Route]:
    return [
        Route(
            legs=(Leg(Path([(-side * 24.0, -4.3), (side * 24.0, -4.3)])),),
            manner="walk",
            attributes={"person-casual": 1.0, "person-worker": 1.0},
            every_s=11.0,
            speed_m_s=(1.0, 1.6),
            left_m=(-0.5, 0.0),
            parties=(1, 1, 2),
        )
        for side in (1, -1)
    ]


def _street() -> list[Route]:
    routes = []
    for side in (1, -1):
        y = _STREET_Y - side * 1.4
        for manner, every_s, speeds, users, row in (
            ("drive", 6.5, (6.0, 9.0), _STREET, y),
            (
                "ride",
                13.0,
                (3.5, 5.0),
                {"bicycle-plain": 1.0, "bicycle-courier": 1.0},
                _STREET_Y - side * 3.0,
            ),
        ):
            routes.append(
                Route(
                    legs=(Leg(Path([(-side * _FAR, row), (side * _FAR, row)])),),
                    manner="ride" if manner == "ride" else "drive",
                    attributes=users,
                    every_s=every_s,
                    speed_m_s=speeds,
                    entry=f"{manner}-{side}",
                    shared_m=3 * _FAR,
                )
            )
    return routes


def _ground(lot: Lot) -> tuple[Patch, ...]:
    asphalt, slabs = grey(lot, 70, 92), grey(lot, 132, 150)
    yellow = (40, 175, 215)
    patches = [area(-FAR_M, -3.4, FAR_M, _WALL, grey(lot, 104, 126), 8)]
    for x in _BAYS:
        patches += [area(x + side - 0.08, 1.0, x + side + 0.08, _WALL, yellow, 4) for side in (-1.9, 1.9)]
    for x in _DOORS:
        for step in range(5):
            y = 3.6 + step * 1.2
            patches.append(area(x - 0.9, y, x + 0.9, y + 0.45, (150, 165, 170), 4))
    patches += paving(-FAR_M, -5.5, FAR_M, -3.4, slabs, 1.2)
    patches.append(area(-FAR_M, -12.1, FAR_M, -5.5, asphalt, 8))
    patches += dashes_along_x(_STREET_Y, -FAR_M, FAR_M)
    patches += [area(-FAR_M, y, FAR_M, y + 0.08, WHITE, 3) for y in (-11.3, -6.3)]
    patches += [area(x - _DOOR, _WALL, x + _DOOR, _WALL + 4.0, (58, 60, 64), 3) for x in _DOORS]
    return tuple(patches)


def _things(lot: Lot) -> tuple[Thing, ...]:
    paint = lot.pick(((170, 168, 160), (140, 150, 160), (190, 185, 170), (120, 140, 130)))
    stripe = lot.pick(((150, 80, 30), (40, 50, 170), (60, 120, 60), (30, 140, 220)))
    edges = [-34.0, *(x + side for x in _DOORS for side in (-_DOOR, _DOOR)), 34.0]
    things: list[Thing] = []
    for x0, x1 in zip(edges[::2], edges[1::2], strict=True):
        middle = (x0 + x1) / 2
        things.append(wall(middle, _WALL, x1 - x0, 5.0, paint, stripe))
    things += [_lintel(x, paint) for x in _DOORS]
    things += [_gate(x) for x in _BAYS]
    side = 1 if lot.random() < 0.5 else -1
    things += [
        container(lot, side * 15.5, 5.6, 1.5707963267948966),
        crates(lot, -side * 13.6, 7.6),
        pole(-side * 9.0, -3.2, 5.0, lamp=True),
        pole(side * 9.5, -5.3, 5.0, lamp=True),
        tree(lot, side * lot.uniform(6.5, 12), -12.6, 3.4),
        tree(lot, -side * lot.uniform(6.5, 12), -12.6, 3.0),
    ]
    return tuple(things)


def _lintel(x: float, paint: tuple[int, int, int]) -> Thing:
    build = SolidBuilder()
    build.prism(Prism((0.0, 0.6, _DOOR), (0.0, 0.6, _DOOR), 2.3, 5.0), paint)
    return Thing(build.build((0.6, 2 * _DOOR, 5.0)), x, _WALL, heading_rad=TURN / 4, casts=False)


def _gate(x: float) -> Thing:
    """The rolling shutter of a bay, on the wall."""
    build = SolidBuilder()
    body = build.prism(Prism((0.0, 0.1, 1.5), (0.0, 0.1, 1.5), 0.9, 3.6), (70, 74, 78))
    for step in range(9):
        build.mark(body.back, 0.0, 1.0, step / 9, step / 9 + 0.03, (52, 54, 58))
    return Thing(build.build((0.1, 3.0, 3.6)), x, _WALL - 0.1, heading_rad=TURN / 4, casts=False)

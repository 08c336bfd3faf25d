"""A promenade: walkers alone and in groups, a cycle path, and a street behind a row of trees."""

from typing import Final

from producers.synthetic.geometry import look_at_origin
from producers.synthetic.kinds import SceneSettings
from producers.synthetic.layout import Ground, Layout, Leg, Patch, Route, Signals, Thing
from producers.synthetic.lots import Lot
from producers.synthetic.paths import Path
from producers.synthetic.scenery import bench, building, bush, pole, tree
from producers.synthetic.scenes.surfaces import FAR_M, WHITE, area, dashes_along_x, grey, paving, rectangle

_FAR: Final = 24.0
_STREET: Final = {
    "car-red": 1.0,
    "car-blue": 1.0,
    "car-white": 1.0,
    "car-taxi": 1.0,
    "truck-box": 0.5,
    "truck-tanker": 0.5,
    "bus-city": 0.6,
    "bus-school": 0.6,
}


def footpath(settings: SceneSettings, lot: Lot) -> Layout:
    """Lay out a promenade; the camera's place, the furniture and the colours are drawn by lot."""
    view = look_at_origin(
        settings.width,
        settings.height,
        focal_px=lot.uniform(1020, 1120),
        range_m=lot.uniform(38, 42),
        pitch_deg=lot.uniform(27, 31),
        yaw_deg=lot.uniform(-12, 12),
    )
    grass = (55 + lot.integer(0, 15), 110 + lot.integer(0, 25), 80 + lot.integer(0, 20))
    return Layout(
        view=view,
        routes=(*_walkers(), *_riders(), *_street()),
        signals=Signals(),
        base=Patch((), grass, 14),
        ground=_ground(lot),
        things=_things(lot),
        lines={
            "path": ((-2.5, -4.6), (-2.5, 1.55)),
            "cycleway": ((-2.5, 1.8), (-2.5, 5.2)),
            "street": ((-0.5, 6.0), (-0.5, 13.2)),
        },
        zones={"plaza": rectangle(0.0, -4.6, 5.5, 1.5), "cycle-stretch": rectangle(-5.0, 1.9, 4.0, 5.2)},
        street_lamps=((-8.0, 1.4), (0.0, 1.4), (8.0, 1.4), (-6.0, 14.0), (6.0, 14.0), (3.0, -8.0)),
    )


def _walk(
    points: list[Ground], every_s: float, left_m: tuple[float, float], speed: tuple[float, float]
) -> Route:
    return Route(
        legs=(Leg(Path(points, 2.5)),),
        manner="walk",
        attributes={"person-casual": 3.0, "person-worker": 1.0},
        every_s=every_s,
        speed_m_s=speed,
        left_m=left_m,
        parties=(1, 1, 2, 2, 3),
    )


def _walkers() -> list[Route]:
    walking, hurrying, running = (0.9, 1.4), (1.6, 2.0), (2.6, 3.2)
    routes = []
    for side in (1, -1):
        straight = [(-side * _FAR, -1.4), (side * _FAR, -1.4)]
        routes.append(_walk(straight, 13.0, (-2.0, -0.2), walking))
        routes.append(_walk(straight, 20.0, (-1.6, 0.3), hurrying))
        routes.append(_walk(straight, 40.0, (-0.4, 0.4), running))
        routes.append(_walk([(3.0, -20.0), (3.0, -1.4), (side * _FAR, -1.4)], 30.0, (-1.0, 0.0), walking))
        routes.append(_walk([(side * _FAR, -1.4), (3.0, -1.4), (3.0, -20.0)], 30.0, (-1.0, 0.0), walking))
    return routes


def _riders() -> list[Route]:
    return [
        Route(
            legs=(Leg(Path([(-side * _FAR, 3.5 - side * 0.85), (side * _FAR, 3.5 - side * 0.85)])),),
            manner="ride",
            attributes={"bicycle-plain": 1.0, "bicycle-courier": 1.0},
            every_s=6.0,
            speed_m_s=(3.2, 5.0),
            entry=f"cycle-{side}",
            shared_m=3 * _FAR,
        )
        for side in (1, -1)
    ]


def _street() -> list[Route]:
    return [
        Route(
            legs=(Leg(Path([(-side * 34.0, 10.3 - side * 1.5), (side * 34.0, 10.3 - side * 1.5)])),),
            manner="drive",
            attributes=_STREET,
            every_s=6.0,
            speed_m_s=(6.0, 9.0),
            entry=f"street-{side}",
            shared_m=80.0,
        )
        for side in (1, -1)
    ]


def _ground(lot: Lot) -> tuple[Patch, ...]:
    slabs, asphalt = grey(lot, 135, 165), grey(lot, 74, 96)
    cycle = (75, 85, 140) if lot.random() < 0.5 else grey(lot, 88, 104)
    patches = paving(-FAR_M, -4.2, FAR_M, 1.2, slabs, 0.9)
    patches += paving(1.2, -FAR_M, 4.8, -4.2, slabs, 0.9)
    patches += [area(-FAR_M, 1.8, FAR_M, 5.2, cycle, 6)]
    patches += dashes_along_x(3.5, -FAR_M, FAR_M)
    patches += [area(-FAR_M, y, FAR_M, y + 0.08, WHITE) for y in (1.86, 5.06)]
    patches += [area(-FAR_M, 7.3, FAR_M, 13.3, asphalt, 8)]
    patches += dashes_along_x(10.3, -FAR_M, FAR_M)
    patches += [area(-FAR_M, y, FAR_M, y + 0.3, (160, 160, 160)) for y in (7.0, 13.3)]
    patches += paving(-FAR_M, 13.6, FAR_M, 16.0, slabs, 1.2)
    return tuple(patches)


def _things(lot: Lot) -> tuple[Thing, ...]:
    things: list[Thing] = []
    edge = -34.0
    while edge < 34:
        width = lot.uniform(6.5, 9.5)
        things.append(building(lot, edge + width / 2, 16.2, width - 0.3, lot.uniform(5, 8)))
        edge += width
    for x in (-13.0, -7.0, 6.0, 12.0):
        at, height = x + lot.uniform(-1, 1), lot.uniform(3.6, 4.6)
        things.append(tree(lot, at, 6.1, height))
    for x in (-10.0, -4.5, 3.2, 9.0):
        at, height = x + lot.uniform(-0.6, 0.6), lot.uniform(0.7, 1.1)
        things.append(bush(lot, at, 6.2, height))
    things += [pole(x, 1.5, 4.2, lamp=True) for x in (-8.0, 8.0)]
    things += [bench(x, 1.45) for x in (-6.0, 7.0)]
    things.append(tree(lot, -7.5 + lot.uniform(-1, 1), -6.6, 3.2))
    things.append(bush(lot, 7.5, -5.4, 0.9))
    things.append(bush(lot, -4.0, -5.6, 0.7))
    return tuple(things)

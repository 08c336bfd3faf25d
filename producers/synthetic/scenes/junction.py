"""A road junction with traffic lights: cars, trucks and buses, cycle lanes, and people who cross.

The main road runs along x, the side road along y; one drives on the right. Groups of the signals are open one
after the other, so that no ways cross: the main road, the side road from the north, from the south, walkers.
"""

from typing import Final

from producers.synthetic.geometry import look_at_origin
from producers.synthetic.kinds import SceneSettings
from producers.synthetic.layout import Gate, Ground, Layout, Leg, Patch, Route, Signals, Thing
from producers.synthetic.lots import Lot
from producers.synthetic.paths import Path
from producers.synthetic.scenery import building, pole, tree
from producers.synthetic.scenes.surfaces import (
    FAR_M,
    WHITE,
    area,
    dashes_along_x,
    dashes_along_y,
    grey,
    paving,
    rectangle,
)

_LANE: Final = 1.6
"""From a road's middle to its lanes' middles, in metres."""
_CYCLE: Final = 4.0
_WALK_X: Final = 6.8
_WALK_Y: Final = 7.1
_EAST, _NORTH, _SOUTH = 36.0, 46.0, -34.0

_VEHICLES: Final = {
    "car-red": 1.0,
    "car-blue": 1.0,
    "car-white": 1.0,
    "car-taxi": 1.0,
    "truck-box": 0.8,
    "truck-tanker": 0.8,
    "bus-city": 0.7,
    "bus-school": 0.7,
}
_SMALL: Final = {**_VEHICLES, "bus-city": 0.15, "bus-school": 0.15, "truck-box": 0.5, "truck-tanker": 0.5}
_CYCLISTS: Final = {"bicycle-plain": 1.0, "bicycle-courier": 1.0}
_WALKERS: Final = {"person-casual": 2.0, "person-worker": 1.0}

_SIGNALS: Final = {
    "main": (0.0, 10.0),
    "walk-side": (0.0, 4.5),
    "north": (14.5, 19.5),
    "south": (24.0, 29.0),
    "walk-main": (33.0, 36.0),
}
_CYCLE_S: Final = 46.0


def junction(settings: SceneSettings, lot: Lot) -> Layout:
    """Lay out a junction; the camera's place, the furniture and the colours are drawn by lot."""
    view = look_at_origin(
        settings.width,
        settings.height,
        focal_px=lot.uniform(1080, 1180),
        range_m=lot.uniform(53, 57),
        pitch_deg=lot.uniform(27, 31),
        yaw_deg=lot.uniform(-14, 14),
    )
    return Layout(
        view=view,
        routes=(*_main_road(), *_side_road(), *_walkers()),
        signals=Signals(_CYCLE_S, _SIGNALS, lot.uniform(0, _CYCLE_S)),
        base=Patch((), (60 + lot.integer(0, 20), 105 + lot.integer(0, 20), 85), 12),
        ground=_ground(lot),
        things=_things(lot),
        lines={
            "west": ((-4.9, -5.4), (-4.9, 5.4)),
            "east": ((4.9, -5.4), (4.9, 5.4)),
            "north": ((-3.7, 5.6), (3.7, 5.6)),
            "south": ((-3.7, -5.4), (3.7, -5.4)),
        },
        zones={"box": rectangle(-4.5, -5.0, 4.5, 5.0), "crossing": rectangle(5.1, -4.9, 8.6, 4.9)},
        street_lamps=((-9.0, 8.4), (9.0, 8.4), (-10.0, -8.6), (10.0, -8.6), (0.0, 20.0)),
    )


def _route(
    points: list[Ground], every_s: float, entry: str, leaves: str, gate: Gate, **more: object
) -> Route:
    path = Path(points, 4.5)
    speeds = (6.5, 9.5)
    slow = ((gate.at_m + 2.0, gate.at_m + 22.0, 4.5),) if len(points) > 2 else ()
    return Route(
        legs=(Leg(path),),
        manner="drive",
        attributes=_SMALL if more.get("small") else _VEHICLES,
        every_s=every_s,
        speed_m_s=speeds,
        entry=entry,
        exit=leaves,
        shared_m=gate.at_m + 12.0,
        merge_m=_EAST - 3.0,
        gates=(gate,),
        slow=slow,
    )


def _main_road() -> list[Route]:
    routes = []
    for side, name in ((1, "eastward"), (-1, "westward")):
        gate = Gate(_EAST - 8.9, "main")
        y = -side * _LANE
        routes.append(_route([(-side * _EAST, y), (side * _EAST, y)], 5.2, name, f"exit-{name}", gate))
        path = Path([(-side * _EAST, -side * _CYCLE), (side * _EAST, -side * _CYCLE)])
        routes.append(
            Route(
                legs=(Leg(path),),
                manner="ride",
                attributes=_CYCLISTS,
                every_s=9.0,
                speed_m_s=(3.6, 5.2),
                entry=f"cycle-{name}",
                shared_m=2 * _EAST,
                gates=(gate,),
            )
        )
    return routes


def _side_road() -> list[Route]:
    north, south = Gate(_NORTH - 8.9, "north"), Gate(-_SOUTH - 8.9, "south")
    down, up = -_LANE, _LANE
    east, west = (_EAST, -_LANE), (-_EAST, _LANE)
    return [
        _route([(down, _NORTH), (down, _SOUTH)], 24.0, "southward", "exit-south", north, small=True),
        _route([(down, _NORTH), (down, -_LANE), east], 24.0, "southward", "exit-eastward", north, small=True),
        _route([(down, _NORTH), (down, _LANE), west], 24.0, "southward", "exit-westward", north, small=True),
        _route([(up, _SOUTH), (up, _NORTH)], 24.0, "northward", "exit-north", south, small=True),
        _route([(up, _SOUTH), (up, _LANE), west], 24.0, "northward", "exit-westward", south, small=True),
        _route([(up, _SOUTH), (up, -_LANE), east], 24.0, "northward", "exit-eastward", south, small=True),
    ]


def _walk(points: list[Ground], every_s: float, gates: tuple[Gate, ...]) -> Route:
    return Route(
        legs=(Leg(Path(points, 1.2)),),
        manner="walk",
        attributes=_WALKERS,
        every_s=every_s,
        speed_m_s=(1.1, 1.6),
        gates=gates,
        left_m=(-0.75, 0.75),
        parties=(1, 1, 1, 2, 2),
    )


def _walkers() -> list[Route]:
    x, y, far = _WALK_X, _WALK_Y, 26.0
    routes = []
    for side in (1, -1):
        # Along the main road, over the side road's arms.
        gates = (Gate(far - 4.1, "walk-side"),)
        routes += [_walk([(-side * far, row), (side * far, row)], 34.0, gates) for row in (y, -y)]
        # From the south over the main road, and off along it; and back.
        up = [(side * x, -24.0), (side * x, y), (side * far, y)]
        down = [(side * far, y), (side * x, y), (side * x, -24.0)]
        routes.append(_walk(up, 34.0, (Gate(24.0 - 5.5, "walk-main"),)))
        routes.append(_walk(down, 34.0, (Gate(Path(down, 1.2).length_m - 24.0 - 5.5, "walk-main"),)))
    return routes


def _ground(lot: Lot) -> tuple[Patch, ...]:
    asphalt, slabs = grey(lot, 72, 96), grey(lot, 128, 150)
    red = (70, 80, 130)
    patches: list[Patch] = []
    for row in (-1, 1):
        y0, y1 = sorted((row * 5.2, row * 8.6))
        patches += paving(-FAR_M, y0, FAR_M, y1, slabs, 1.2)
    for column in (-1, 1):
        x0, x1 = sorted((column * 3.4, column * 8.2))
        patches += paving(x0, -FAR_M, x1, -5.2, slabs, 1.2)
        patches += paving(x0, 5.2, x1, FAR_M, slabs, 1.2)
    patches.append(area(-FAR_M, -5.2, FAR_M, 5.2, asphalt, 8))
    patches.append(area(-3.4, -FAR_M, 3.4, FAR_M, asphalt, 8))
    for y0 in (-4.8, 3.3):
        patches += [area(-FAR_M, y0, -9.0, y0 + 1.5, red), area(9.0, y0, FAR_M, y0 + 1.5, red)]
        for edge in (3.2, 4.8):
            y = edge if y0 > 0 else -edge
            patches += [
                area(-FAR_M, y - 0.05, -9.0, y + 0.05, WHITE),
                area(9.0, y - 0.05, FAR_M, y + 0.05, WHITE),
            ]
    patches += dashes_along_x(0.0, -FAR_M, -9.0) + dashes_along_x(0.0, 9.0, FAR_M)
    patches += dashes_along_y(0.0, -FAR_M, -9.0) + dashes_along_y(0.0, 9.0, FAR_M)
    patches += [area(-9.3, -3.2, -8.9, 0.0, WHITE), area(8.9, 0.0, 9.3, 3.2, WHITE)]
    patches += [area(0.0, -9.3, 3.2, -8.9, WHITE), area(-3.2, 8.9, 0.0, 9.3, WHITE)]
    for step in range(8):
        y = -4.7 + step * 1.25
        patches += [area(x, y, x + 2.4, y + 0.6, WHITE) for x in (5.6, -8.0)]
    for step in range(5):
        x = -3.1 + step * 1.3
        patches += [area(x, y, x + 0.65, y + 2.2, WHITE) for y in (6.0, -8.2)]
    return tuple(patches)


def _things(lot: Lot) -> tuple[Thing, ...]:
    things: list[Thing] = []
    for side in (-1, 1):
        edge = 9.0
        while edge < 40:
            width = lot.uniform(6.5, 9.5)
            height = lot.uniform(5, 9)
            things.append(building(lot, side * (edge + width / 2), 11.0, width - 0.3, height))
            edge += width
        things.append(tree(lot, side * lot.uniform(11.5, 14.5), 9.3, lot.uniform(4.5, 6)))
        things.append(tree(lot, side * lot.uniform(11, 13), -9.6, lot.uniform(3.8, 4.8)))
        things.append(pole(side * 9.0, 8.5, 6.0, lamp=True))
        things.append(pole(side * 10.0, -8.6, 5.0, lamp=True))
        things.append(pole(side * 8.7, -side * 5.6, 3.0, signal=True))
        things.append(pole(side * 3.9, side * 8.8, 3.0, signal=True))
    return tuple(things)

"""Who comes into a scene, and when. Each route draws its own lots, so that one does not disturb another."""

from collections.abc import Sequence
from dataclasses import dataclass

from producers.synthetic.agents import Agent
from producers.synthetic.buses import bus
from producers.synthetic.cars import car
from producers.synthetic.kinds import ATTRIBUTES
from producers.synthetic.layout import Route
from producers.synthetic.lots import Lot
from producers.synthetic.people import bicycle, person
from producers.synthetic.solids import Solid
from producers.synthetic.trucks import truck

_ENTRY_GAP_M = 3.0
_ABREAST_M = 0.6
"""How far those who walk together are apart, across their way."""
_BUILDERS = {"car": car, "truck": truck, "bus": bus, "bicycle": bicycle, "person": person}


def body(seed: int, object_id: int, attribute: int) -> Solid:
    """The body of an object: an individual that follows from the scene's seed and its id."""
    name = ATTRIBUTES[attribute]
    return _BUILDERS[name.partition("-")[0]](Lot(seed, 7, object_id), name)


@dataclass(slots=True)
class _Lane:
    """The arrivals of one route."""

    route: Route
    lot: Lot
    next_s: float


class Arrivals:
    """Brings objects into the scene.

    Args:
        routes: Where they can come in.
        seed: The scene's seed.
        density: How many compared with what is usual.
        begin_s: From when on.
    """

    def __init__(self, routes: Sequence[Route], seed: int, density: float, begin_s: float) -> None:
        self._seed = seed
        self._density = density
        self._lanes = [_Lane(route, Lot(seed, 11, index), begin_s) for index, route in enumerate(routes)]
        for lane in self._lanes:
            lane.next_s += self._pause_s(lane) * lane.lot.random()
        self._next_id = 1
        self._next_party = 1

    def due(self, agents: Sequence[Agent], held: frozenset[str], time_s: float) -> list[Agent]:
        """Those who come in now: at most one party per route, and only where there is room for it."""
        new: list[Agent] = []
        for index, lane in enumerate(self._lanes):
            if time_s < lane.next_s or not _has_room(lane.route, [*agents, *new], held):
                continue
            new += self._party(index, lane)
            lane.next_s = max(lane.next_s, time_s - 5.0) + self._pause_s(lane)
            if lane.route.claim:
                lane.next_s = time_s + self._pause_s(lane)
                held |= {lane.route.claim, lane.route.legs[0].lock} - {""}
        return new

    def _pause_s(self, lane: _Lane) -> float:
        return lane.route.every_s * lane.lot.uniform(0.35, 1.65) / self._density

    def _party(self, index: int, lane: _Lane) -> list[Agent]:
        route, lot = lane.route, lane.lot
        size = route.parties[lot.integer(0, len(route.parties))]
        low, high = route.left_m
        room_m = _ABREAST_M * (size - 1)
        left_m = low + max(0.0, high - low - room_m) * lot.random()
        wish = lot.uniform(*route.speed_m_s)
        party: list[Agent] = []
        behind_m = 0.0
        for member in range(size):
            attribute = _drawn(lot, route)
            solid = body(self._seed, self._next_id, attribute)
            agent = Agent(
                object_id=self._next_id,
                attribute=attribute,
                solid=solid,
                route=route,
                route_index=index,
                wish_m_s=wish * lot.uniform(0.98, 1.02),
                left_m=left_m + _ABREAST_M * member,
                party=self._next_party,
                at_m=solid.size[0] / 2 - behind_m,
                speed_m_s=wish * (0.7 if route.manner == "drive" else 1.0),
            )
            agent.before = agent.now = agent.pose()
            party.append(agent)
            # Loosely, so that they do not hide each other all the time.
            behind_m += lot.uniform(0.6, 1.0)
            self._next_id += 1
        self._next_party += 1
        return party


def _drawn(lot: Lot, route: Route) -> int:
    names = list(route.attributes)
    at = lot.random() * sum(route.attributes.values())
    chosen = names[-1]
    for name in names:
        at -= route.attributes[name]
        if at < 0:
            chosen = name
            break
    return ATTRIBUTES.index(chosen)


def _has_room(route: Route, agents: Sequence[Agent], held: frozenset[str]) -> bool:
    if route.claim and held & {route.claim, route.legs[0].lock}:
        return False
    if route.manner == "walk":
        return True
    # Ten metres are longer than the longest vehicle.
    taken = [a.at_m - a.half_m for a in agents if a.route.entry == route.entry and a.leg == 0]
    return not route.entry or not taken or min(taken) > 10.0 + _ENTRY_GAP_M

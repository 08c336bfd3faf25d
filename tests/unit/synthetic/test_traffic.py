"""Traffic: vehicles never touch, ids are never used again, and the same seed has the same history."""

import numpy as np
import pytest

from producers.synthetic.agents import Agent
from producers.synthetic.geometry import cos, sin
from producers.synthetic.kinds import KINDS, SceneSettings
from producers.synthetic.lots import Lot
from producers.synthetic.scenes import LAYOUTS
from producers.synthetic.traffic import Traffic


def traffic_of(kind: str, seed: int, density: float = 1.0) -> Traffic:
    layout = LAYOUTS[kind](SceneSettings(kind, seed), Lot(seed, 1))
    return Traffic(layout, seed, density)


def corners(agent: Agent) -> np.ndarray:
    length, width, _ = agent.solid.size
    c, s = cos(agent.now.heading_rad), sin(agent.now.heading_rad)
    signs = np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)]) / 2
    x, y = signs[:, 0] * length, signs[:, 1] * width
    return np.stack([agent.now.x + c * x - s * y, agent.now.y + s * x + c * y], axis=1)


def touch(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two convex polygons overlap (separating axis theorem)."""
    for polygon in (one, two):
        for edge in np.roll(polygon, -1, axis=0) - polygon:
            axis = np.array([-edge[1], edge[0]])
            a, b = one @ axis, two @ axis
            if a.max() < b.min() or b.max() < a.min():
                return False
    return True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2, 5])
def test_vehicles_and_cyclists_never_touch(kind: str, seed: int) -> None:
    traffic = traffic_of(kind, seed, 1.6)
    for _ in range(400):
        for _ in range(4):
            traffic.advance()
        on_wheels = [agent for agent in traffic.agents if agent.route.manner != "walk"]
        shapes = [corners(agent) for agent in on_wheels]
        for i, one in enumerate(on_wheels):
            for j, two in enumerate(on_wheels[:i]):
                near = abs(one.now.x - two.now.x) < 10 and abs(one.now.y - two.now.y) < 10
                assert not (near and touch(shapes[i], shapes[j])), (traffic.tick, one, two)


@pytest.mark.parametrize("kind", KINDS)
def test_ids_rise_and_are_never_used_again(kind: str) -> None:
    traffic = traffic_of(kind, 4)
    alive = {agent.object_id for agent in traffic.agents}
    highest = max(alive)
    for _ in range(1800):
        traffic.advance()
        now = {agent.object_id for agent in traffic.agents}
        assert len(now) == len(traffic.agents)
        assert all(number > highest for number in now - alive)
        alive, highest = now, max(highest, *now)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_has_the_same_history_and_another_one_of_its_own(kind: str) -> None:
    def history(seed: int) -> list[tuple[int, float, float]]:
        traffic = traffic_of(kind, seed)
        for _ in range(200):
            traffic.advance()
        return [(a.object_id, a.now.x, a.now.y) for a in traffic.agents]

    assert history(9) == history(9)
    assert history(9) != history(10)


def test_trucks_dock_and_leave_again() -> None:
    traffic = traffic_of("dock", 3)
    docked, left = set(), set()
    for _ in range(30 * 120):
        traffic.advance()
        for agent in traffic.agents:
            if agent.route.claim:
                if agent.leg == 1 and agent.speed_m_s == 0:
                    docked.add(agent.object_id)
                if agent.leg == 2 and agent.now.x > 15:
                    left.add(agent.object_id)
    assert len(docked) >= 4
    assert len(left) >= 3


def test_all_ways_of_the_junction_are_taken_and_nobody_stands_for_ever() -> None:
    traffic = traffic_of("junction", 6)
    routes: set[int] = set()
    since: dict[int, int] = {}
    for _ in range(30 * 120):
        traffic.advance()
        routes |= {agent.route_index for agent in traffic.agents}
        for agent in traffic.agents:
            if agent.speed_m_s > 0.1:
                since[agent.object_id] = traffic.tick
            assert traffic.tick - since.setdefault(agent.object_id, traffic.tick) < 30 * 100
    assert len(routes) >= 14

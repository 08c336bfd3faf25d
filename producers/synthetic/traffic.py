"""Moves everybody by one step: who follows whom, who waits, who gives way.

A scene is stepped at a fixed rate whatever the camera's frame rate, and poses between steps lie on the
straight line between them; so the same seed has the same history at any frame rate.
"""

import math
from collections.abc import Iterable
from typing import Final

from producers.synthetic.agents import Agent
from producers.synthetic.arrivals import Arrivals
from producers.synthetic.driving import STYLES, can_stop, next_speed_m_s
from producers.synthetic.geometry import cos, sin
from producers.synthetic.layout import Layout

TICKS_PER_S: Final = 30
_WARM_UP_S: Final = 45.0
_WARM_UP_STEP_S: Final = 0.1


class Traffic:
    """All objects of a scene at a tick, and at the tick before.

    Args:
        layout: The scene.
        seed: Its seed.
        density: How much traffic there is.
    """

    def __init__(self, layout: Layout, seed: int, density: float) -> None:
        self._signals = layout.signals
        self._arrivals = Arrivals(layout.routes, seed, density, -_WARM_UP_S)
        self.agents: list[Agent] = []
        self.tick = 0
        for step in range(round(_WARM_UP_S / _WARM_UP_STEP_S)):
            self._step(-_WARM_UP_S + step * _WARM_UP_STEP_S, _WARM_UP_STEP_S)
        for agent in self.agents:
            agent.before = agent.now

    def advance(self) -> None:
        """One tick further."""
        self._step(self.tick / TICKS_PER_S, 1 / TICKS_PER_S)
        self.tick += 1

    def _step(self, time_s: float, step_s: float) -> None:
        self.agents = [agent for agent in self.agents if not _is_gone(agent, time_s)]
        self.agents += self._arrivals.due(self.agents, self._held(), time_s)
        for agent in self.agents:
            agent.before = agent.now
        for agent in self.agents:
            if agent.wait_until_s > time_s:
                agent.speed_m_s = 0.0
            elif self._goes_on(agent, time_s):
                self._move(agent, time_s, step_s)
            agent.now = agent.pose()
        _steer(self.agents, step_s)

    def _held(self) -> frozenset[str]:
        """What is claimed or locked."""
        locks = {agent.here.lock for agent in self.agents if _holds_lock(agent)}
        return frozenset(locks | {agent.route.claim for agent in self.agents}) - {""}

    def _goes_on(self, agent: Agent, time_s: float) -> bool:
        """Whether it moves on; who has ended a leg begins the next as soon as nobody is in the way."""
        leg = agent.here
        if agent.at_m < leg.path.length_m or agent.leg == len(agent.route.legs) - 1:
            return True
        following = agent.route.legs[agent.leg + 1]
        if not _holds_lock(agent) and following.lock in self._held():
            return False
        agent.leg += 1
        agent.at_m, agent.speed_m_s = 0.0, 0.0
        return True

    def _move(self, agent: Agent, time_s: float, step_s: float) -> None:
        route, style = agent.route, STYLES[agent.route.manner]
        gap_m, ahead_m_s = self._ahead(agent, time_s)
        wanted = min(
            [agent.wish_m_s, *(speed for low, high, speed in route.slow if low <= agent.at_m <= high)]
        )
        if agent.here.backwards:
            wanted = min(wanted, 2.2)
        speed = next_speed_m_s(agent.speed_m_s, wanted, gap_m, ahead_m_s, style, step_s)
        if agent.leg < len(route.legs) - 1:
            # Towards a stop one rolls the last stretch slowly, and ends on it exactly.
            left_m = agent.here.path.length_m - agent.at_m
            speed = min(speed, math.sqrt(2 * 1.6 * left_m) + 0.15)
            if speed * step_s >= left_m:
                speed = left_m / step_s
                low_s, high_s = agent.here.wait_s
                share = (agent.object_id * 0.6180339887) % 1.0
                agent.wait_until_s = time_s + step_s + low_s + (high_s - low_s) * share
        agent.speed_m_s = speed
        agent.at_m += speed * step_s
        if agent.leg < len(route.legs) - 1 and agent.here.path.length_m - agent.at_m < 1e-6:
            agent.at_m = agent.here.path.length_m
        agent.gone_m += -speed * step_s if agent.here.backwards else speed * step_s

    def _ahead(self, agent: Agent, time_s: float) -> tuple[float, float]:
        """Distance to what is ahead, and its speed."""
        best_m, best_speed = self._gate(agent, time_s), 0.0
        for other in self.agents:
            if other is agent:
                continue
            gap_m = _gap(agent, other)
            if gap_m < best_m:
                best_m, best_speed = gap_m, other.speed_m_s
        return best_m, best_speed

    def _gate(self, agent: Agent, time_s: float) -> float:
        for gate in agent.route.gates:
            gap_m = gate.at_m - agent.at_m - agent.half_m
            if gap_m <= 0 or self._signals.is_open(gate.signal, time_s):
                continue
            if agent.speed_m_s < 0.3 or can_stop(agent.speed_m_s, gap_m):
                # One stops with one's front at the gate, not a standing gap before it.
                return gap_m + STYLES[agent.route.manner].standing_gap_m - 0.3
        return math.inf


def _holds_lock(agent: Agent) -> bool:
    """Whether its leg's lock is its own: while it is under way, and on if the next leg needs it too."""
    if agent.at_m < agent.here.path.length_m:
        return True
    following = agent.route.legs[agent.leg + 1 : agent.leg + 2]
    return any(leg.lock == agent.here.lock for leg in following) and agent.here.wait_s[1] == 0


def _gap(agent: Agent, other: Agent) -> float:
    """Free metres to another who is ahead on the same way, else inf."""
    mine, theirs = agent.route, other.route
    if mine.manner != theirs.manner:
        return math.inf
    if mine.manner == "walk":
        return _walking_gap(agent, other)
    between = agent.half_m + other.half_m
    behind = bool(mine.entry) and mine.entry == theirs.entry and other.at_m > agent.at_m
    if behind and (mine is theirs or other.at_m - other.half_m < mine.shared_m):
        return other.at_m - agent.at_m - between
    if mine.exit and mine.exit == theirs.exit:
        left_m, their_left_m = _to_go(agent), _to_go(other)
        if their_left_m < left_m and their_left_m - other.half_m < theirs.merge_m:
            return left_m - their_left_m - between
    return math.inf


def _walking_gap(agent: Agent, other: Agent) -> float:
    if agent.route_index != other.route_index or agent.leg != other.leg or agent.party == other.party:
        return math.inf
    ahead_m = other.at_m - agent.at_m
    if not 0 < ahead_m < 3 or abs(other.left_m - agent.left_m) > 0.5:
        return math.inf
    return ahead_m - agent.half_m - other.half_m + 0.2


def _to_go(agent: Agent) -> float:
    return agent.here.path.length_m - agent.at_m


def _is_gone(agent: Agent, time_s: float) -> bool:
    last = agent.leg == len(agent.route.legs) - 1
    return last and agent.at_m >= agent.here.path.length_m and agent.wait_until_s <= time_s


def _steer(agents: Iterable[Agent], step_s: float) -> None:
    """Walkers step aside for each other, and come back to their own side of the way."""
    walkers = [agent for agent in agents if agent.route.manner == "walk"]
    for agent in walkers:
        if agent.speed_m_s < 0.3:
            continue
        low_m, high_m = agent.route.left_m
        push = 0.0
        ahead_x, ahead_y = cos(agent.now.heading_rad), sin(agent.now.heading_rad)
        for other in walkers:
            dx, dy = other.now.x - agent.now.x, other.now.y - agent.now.y
            if other is agent or other.party == agent.party or not -3 < dx < 3 or not -3 < dy < 3:
                continue
            ahead_m, left_m = dx * ahead_x + dy * ahead_y, dy * ahead_x - dx * ahead_y
            if 0 < ahead_m < 2.5 and -0.8 < left_m < 0.8:
                push += (
                    -0.6 if left_m > 0.02 or (left_m > -0.02 and other.object_id > agent.object_id) else 0.6
                ) * (2.5 - ahead_m)
        push = min(max(push, -0.6), 0.6)
        agent.left_m = min(max(agent.left_m + push * step_s, low_m - 0.4), high_m + 0.4)

"""Lines and zones in the picture, and exactly when objects crossed, entered and left them.

An object is where the middle of its box's lower edge is: ((x1 + x2) / 2, y2). The box is the one around the
body with its limbs hanging, not clipped, and as a camera that does not shake sees it, so that a step or a
tremor crosses no line.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from producers.synthetic.agents import Agent
from producers.synthetic.geometry import View, cos, sin
from producers.synthetic.layout import Layout
from producers.synthetic.painting import outline
from producers.truth import Direction, Line, TruthEvent, Zone

Spot = tuple[float, float]


def lines_of(layout: Layout, view: View) -> tuple[Line, ...]:
    """The layout's lines in pixels of the view's picture."""
    return tuple(
        Line(name, *(round(c, 3) for c in (*view.point(*a), *view.point(*b))))
        for name, (a, b) in layout.lines.items()
    )


def zones_of(layout: Layout, view: View) -> tuple[Zone, ...]:
    """The layout's zones in pixels of the view's picture."""
    return tuple(
        Zone(name, np.round(np.array([view.point(*corner) for corner in corners]), 3))
        for name, corners in layout.zones.items()
    )


def spots(agents: Sequence[Agent], view: View) -> list[Spot]:
    """Where each agent is in the picture."""
    if not agents:
        return []
    counts = [len(agent.solid.outline) for agent in agents]
    points = np.concatenate([agent.solid.outline for agent in agents])
    poses = [agent.now for agent in agents]
    turns = np.array([(cos(p.heading_rad), sin(p.heading_rad), p.x, p.y) for p in poses])
    turns = np.repeat(turns, counts, axis=0)
    c, s = turns[:, 0], turns[:, 1]
    x, y, z = points[:, 0], points[:, 1], points[:, 2]
    u, v, _ = view.project(turns[:, 2] + c * x - s * y, turns[:, 3] + s * x + c * y, z)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    low, high = np.minimum.reduceat(u, starts), np.maximum.reduceat(u, starts)
    return list(zip(((low + high) / 2).tolist(), np.maximum.reduceat(v, starts).tolist(), strict=True))


def spot_between(agent: Agent, share: float, view: View) -> Spot:
    """Where an agent is at a share of the way from the tick before to this one."""
    x1, _, x2, y2 = outline(agent.solid, [agent.before.towards(agent.now, share)], view)[0].tolist()
    return (x1 + x2) / 2, y2


def side(line: Line, spot: Spot) -> float:
    """Below zero on the line's left, over zero on its right, seen along it."""
    return (line.x2 - line.x1) * (spot[1] - line.y1) - (line.y2 - line.y1) * (spot[0] - line.x1)


def inside(zone: Zone, spot: Spot) -> bool:
    """Whether a point is in a zone (even-odd rule)."""
    x, y = spot
    within = False
    corners: list[list[float]] = zone.points.tolist()
    before = corners[-1]
    for corner in corners:
        (x1, y1), (x2, y2) = before, corner
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            within = not within
        before = corner
    return within


class Watch:
    """Watches the lines and zones of a camera from tick to tick.

    Args:
        lines: In pixels.
        zones: In pixels.
        view: The camera.
    """

    def __init__(self, lines: Sequence[Line], zones: Sequence[Zone], view: View) -> None:
        self._lines, self._zones, self._view = lines, zones, view
        self._spots: Mapping[int, Spot] = {}
        self._within: dict[tuple[str, int], bool] = {}

    def begin(self, agents: Sequence[Agent]) -> list[TruthEvent]:
        """Take the first look: who stands in a zone enters it at time 0."""
        now = dict(zip((a.object_id for a in agents), spots(agents, self._view), strict=True))
        events = []
        for zone in self._zones:
            for object_id, spot in now.items():
                self._within[zone.name, object_id] = inside(zone, spot)
                if inside(zone, spot):
                    events.append(TruthEvent("entered", zone.name, object_id, 0))
        self._spots = now
        return events

    def look(self, agents: Sequence[Agent], begin_ns: int, end_ns: int) -> list[TruthEvent]:
        """What happened from the tick at begin_ns to the one at end_ns, in order of time."""
        now = dict(zip((a.object_id for a in agents), spots(agents, self._view), strict=True))
        events: list[TruthEvent] = []
        for agent in agents:
            spot = now[agent.object_id]
            last = self._spots.get(agent.object_id)
            if last is not None and last != spot:
                events += self._crossed(agent, last, spot, begin_ns, end_ns)
            events += self._zone_events(agent, last, spot, begin_ns, end_ns)
        for (name, object_id), within in list(self._within.items()):
            if object_id not in now:
                del self._within[name, object_id]
                if within:
                    events.append(TruthEvent("left", name, object_id, begin_ns))
        self._spots = now
        return sorted(events, key=lambda event: (event.at_ns, event.object_id, event.place))

    def _crossed(self, agent: Agent, last: Spot, spot: Spot, begin_ns: int, end_ns: int) -> list[TruthEvent]:
        events = []
        for line in self._lines:
            was, is_ = side(line, last) > 0, side(line, spot) > 0
            if was == is_:
                continue

            def beyond(share: float, line: Line = line, is_: bool = is_) -> bool:
                return (side(line, spot_between(agent, share, self._view)) > 0) == is_

            at_ns = _first_ns(beyond, begin_ns, end_ns)
            at = spot_between(agent, (at_ns - begin_ns) / (end_ns - begin_ns), self._view)
            if _along(line, at):
                direction: Direction = "forward" if is_ else "backward"
                events.append(TruthEvent("crossed", line.name, agent.object_id, at_ns, direction))
        return events

    def _zone_events(
        self, agent: Agent, last: Spot | None, spot: Spot, begin_ns: int, end_ns: int
    ) -> list[TruthEvent]:
        events = []
        for zone in self._zones:
            key = (zone.name, agent.object_id)
            was, is_ = self._within.get(key, False), inside(zone, spot)
            self._within[key] = is_
            if was == is_:
                continue

            def changed(share: float, zone: Zone = zone, is_: bool = is_) -> bool:
                return inside(zone, spot_between(agent, share, self._view)) == is_

            at_ns = end_ns if last is None else _first_ns(changed, begin_ns, end_ns)
            events.append(TruthEvent("entered" if is_ else "left", zone.name, agent.object_id, at_ns))
        return events


def _along(line: Line, spot: Spot) -> bool:
    dx, dy = line.x2 - line.x1, line.y2 - line.y1
    along = (spot[0] - line.x1) * dx + (spot[1] - line.y1) * dy
    return 0 <= along <= dx * dx + dy * dy


def _first_ns(happened: Callable[[float], bool], begin_ns: int, end_ns: int) -> int:
    """The nanosecond at which something that has happened at end_ns happens; by halving."""
    low, high = begin_ns, end_ns
    while high - low > 1:
        middle = (low + high) // 2
        if happened((middle - begin_ns) / (end_ns - begin_ns)):
            high = middle
        else:
            low = middle
    return high

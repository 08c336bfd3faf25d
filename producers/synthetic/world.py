"""A synthetic camera's world: any frame's picture and the truth about it, from a seed."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from producers.synthetic.agents import Agent
from producers.synthetic.atmosphere import SHAKE_MARGIN, Beam, Developer, weather_of
from producers.synthetic.backdrop import Backdrop
from producers.synthetic.geometry import View, cos, sin
from producers.synthetic.kinds import SceneSettings, class_of
from producers.synthetic.lots import Lot
from producers.synthetic.painting import FINE, Canvas, Stamp, cast_shadow, put, stamp
from producers.synthetic.paths import Pose
from producers.synthetic.places import Watch, lines_of, zones_of
from producers.synthetic.scenes import LAYOUTS
from producers.synthetic.traffic import TICKS_PER_S, Traffic
from producers.truth import FrameTruth, TruthEvent

Image = NDArray[np.uint8]

_LEAST_SEEN: Final = FINE * FINE
"""Canvas pixels, so one picture pixel: what is seen less is not in the truth."""
_NEAR_PX: Final = 24


@dataclass(frozen=True)
class _Seen:
    """An object of a frame: its stamp, where it is and its slot."""

    agent: Agent
    pose: Pose
    stamp: Stamp
    slot: int


class World:
    """One scene with all that happens in it.

    Frames may be asked for in any order; one after the other is fast, and backwards begins again from the
    start.

    Args:
        settings: What to show.

    Attributes:
        lines: Lines in the picture, which objects cross.
        zones: Zones in the picture, in which objects stand.
    """

    def __init__(self, settings: SceneSettings) -> None:
        self.settings = settings
        self._layout = LAYOUTS[settings.kind](settings, Lot(settings.seed, 1))
        self._weather = weather_of(settings, Lot(settings.seed, 2))
        view = self._layout.view
        self._view, self._fine = view, view.scaled(FINE)
        self._size = (settings.width * FINE, settings.height * FINE)
        self.lines = lines_of(self._layout, view)
        self.zones = zones_of(self._layout, view)
        self._backdrop: Backdrop | None = None
        self._developer: Developer | None = None
        self._truth: tuple[int, FrameTruth] | None = None
        self._restart()

    def truth(self, index: int) -> FrameTruth:
        """The truth about frame `index`, 0 or more."""
        if self._truth is None or self._truth[0] != index:
            seen, shift = self._seen(index)
            canvas = np.zeros((self._size[1], self._size[0], 4), dtype=np.uint8)
            self._paint(canvas, seen, shift)
            self._truth = (index, self._told(index, canvas, seen, shift))
        return self._truth[1]

    def draw(self, index: int) -> Image:
        """The picture of frame `index`, uint8 (height, width, 3), BGR."""
        backdrop, developer = self._studio()
        seen, shift = self._seen(index)
        (width, height), margin = self._size, SHAKE_MARGIN
        x, y = margin + shift[0], margin + shift[1]
        canvas = backdrop.canvas[y : y + height, x : x + width].copy()
        shaken = self._fine.shifted(-shift[0], -shift[1])
        for one in seen:
            cast_shadow(canvas, one.agent.solid, one.pose, shaken, self._weather.sun)
        self._paint(canvas, seen, shift)
        self._truth = (index, self._told(index, canvas, seen, shift))
        small = cv2.resize(canvas, (width // FINE, height // FINE), interpolation=cv2.INTER_AREA)
        beams = self._beams(canvas, seen, shift) if self._weather.lamps_on else []
        image = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGRA2BGR), dtype=np.uint8)
        return developer.develop(image, index, index / self.settings.fps, beams)

    def _studio(self) -> tuple[Backdrop, Developer]:
        """What only pictures need, made when the first is drawn."""
        if self._backdrop is None or self._developer is None:
            settings, weather = self.settings, self._weather
            self._backdrop = Backdrop(
                self._layout,
                self._fine,
                weather.sun,
                self._size,
                SHAKE_MARGIN,
                settings.seed,
                wet=weather.rain,
            )
            self._developer = Developer(settings, weather, self._view, self._layout.street_lamps)
        return self._backdrop, self._developer

    def _things(self) -> tuple[Stamp, ...]:
        return self._studio()[0].things

    def _restart(self) -> None:
        self._traffic = Traffic(self._layout, self.settings.seed, self.settings.density)
        self._watch = Watch(self.lines, self.zones, self._view)
        self._events = self._watch.begin(self._traffic.agents)

    def _advance_to(self, time_s: float, since_ns: int) -> None:
        if (self._traffic.tick - 1) / TICKS_PER_S >= time_s and self._traffic.tick:
            self._restart()
        while self._traffic.tick / TICKS_PER_S < time_s:
            self._traffic.advance()
            tick = self._traffic.tick
            begin_ns, end_ns = (round(k * 1_000_000_000 / TICKS_PER_S) for k in (tick - 1, tick))
            self._events += self._watch.look(self._traffic.agents, begin_ns, end_ns)
        self._events = [event for event in self._events if event.at_ns > since_ns]

    def _seen(self, index: int) -> tuple[list[_Seen], tuple[int, int]]:
        """The objects that may be in the picture, and how far the camera has shaken."""
        settings = self.settings
        since_ns = settings.time_ns(index - 1) if index else -1
        time_s = index / settings.fps
        self._advance_to(time_s, since_ns)
        share = 1.0 + time_s * TICKS_PER_S - self._traffic.tick
        seen: list[_Seen] = []
        for agent in self._traffic.agents:
            pose = agent.before.towards(agent.now, min(max(share, 0.0), 1.0))
            slot = len(seen) + 1
            drawn = stamp(agent.solid, pose, self._fine, self._weather.sun, slot)
            if drawn is not None:
                seen.append(_Seen(agent, pose, drawn, slot))
        return seen, self._weather.shift(time_s)

    def _paint(self, canvas: Canvas, seen: list[_Seen], shift: tuple[int, int]) -> None:
        """Lay objects, and the things that may hide them, from the farthest to the nearest."""
        order = sorted(seen, key=lambda one: (-one.stamp.depth, one.slot))
        waiting = list(self._things())
        done: list[Stamp] = []
        for one in order:
            while waiting and waiting[0].depth > one.stamp.depth:
                _put_thing(canvas, waiting.pop(0), done, shift)
            put(canvas, one.stamp, -shift[0], -shift[1])
            done.append(one.stamp)
        for thing in waiting:
            _put_thing(canvas, thing, done, shift)

    def _told(self, index: int, canvas: Canvas, seen: list[_Seen], shift: tuple[int, int]) -> FrameTruth:
        counts = cv2.calcHist([canvas], [3], None, [256], [0, 256]).ravel()
        until_ns = self.settings.time_ns(index)
        events: tuple[TruthEvent, ...] = tuple(e for e in self._events if e.at_ns <= until_ns)
        kept = [one for one in seen if counts[one.slot] >= _LEAST_SEEN]
        boxes = np.array([_box(one.stamp, shift) for one in kept], dtype=np.float64).reshape(-1, 4) / FINE
        limits = np.array((self.settings.width, self.settings.height) * 2)
        whole = [cv2.countNonZero(one.stamp.mask) for one in kept]
        return FrameTruth(
            boxes=np.clip(boxes, 0, limits).astype(np.float32),
            ids=np.array([one.agent.object_id for one in kept], dtype=np.int64),
            classes=np.array([class_of(one.agent.attribute) for one in kept], dtype=np.uint16),
            attributes=np.array([one.agent.attribute for one in kept], dtype=np.uint16),
            visibility=np.array(
                [counts[one.slot] / pixels for one, pixels in zip(kept, whole, strict=True)], dtype=np.float32
            ),
            events=events,
        )

    def _beams(self, canvas: Canvas, seen: list[_Seen], shift: tuple[int, int]) -> list[Beam]:
        """The lamps that are seen, and the pools of light before vehicles."""
        beams: list[Beam] = []
        view = self._fine.shifted(-shift[0], -shift[1])
        dark = self._weather.light == "night"
        for one in seen:
            c, s = cos(one.pose.heading_rad), sin(one.pose.heading_rad)
            ahead = -(c * view.forward[0] + s * view.forward[1])
            for (x, y, z), colour, towards in one.agent.solid.lamps:
                if towards * ahead <= 0.12:
                    continue
                u, v = view.point(one.pose.x + c * x - s * y, one.pose.y + s * x + c * y, z)
                if _shows(canvas, u, v, one.slot):
                    radius = 0.16 * self._view.focal_px / one.stamp.depth
                    beams.append(Beam((u / FINE, v / FINE), colour, radius, np.zeros((0, 2))))
            if dark and any(t == 1 for _, _, t in one.agent.solid.lamps):
                beams.append(Beam(None, (0, 0, 0), 0.0, _pool(one, view)))
        return beams


def _pool(one: _Seen, view: View) -> NDArray[np.float64]:
    """The ground that a vehicle's headlights light, in picture pixels."""
    length, width, _ = one.agent.solid.size
    reach = 6.0 if width > 1 else 2.5
    nose = length / 2
    corners = ((nose, -width / 2), (nose + reach, -width), (nose + reach, width), (nose, width / 2))
    c, s = cos(one.pose.heading_rad), sin(one.pose.heading_rad)
    points = [view.point(one.pose.x + c * x - s * y, one.pose.y + s * x + c * y) for x, y in corners]
    return np.array(points) / FINE


def _shows(canvas: Canvas, u: float, v: float, slot: int) -> bool:
    x, y = int(u), int(v)
    rows, columns = canvas.shape[:2]
    near = canvas[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3, 3]
    return 0 <= x < columns and 0 <= y < rows and bool((near == slot).any())


def _box(drawn: Stamp, shift: tuple[int, int]) -> tuple[int, int, int, int]:
    x, y, width, height = drawn.box
    left, top = drawn.x + x - shift[0], drawn.y + y - shift[1]
    return left, top, left + width, top + height


def _put_thing(canvas: Canvas, thing: Stamp, done: list[Stamp], shift: tuple[int, int]) -> None:
    """Lay a thing over what has been drawn behind it; elsewhere the backdrop shows it already."""
    height, width = thing.mask.shape
    for other in done:
        h, w = other.mask.shape
        if (
            thing.x < other.x + w + _NEAR_PX
            and other.x < thing.x + width + _NEAR_PX
            and thing.y < other.y + h + _NEAR_PX
            and other.y < thing.y + height + _NEAR_PX
        ):
            put(canvas, thing, -shift[0], -shift[1])
            return

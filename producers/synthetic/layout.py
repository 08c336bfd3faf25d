"""What a scene is made of: ways and who uses them, signals, scenery, lines and zones. Plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from producers.synthetic.geometry import View
from producers.synthetic.paths import Path
from producers.synthetic.solids import Colour, Solid

Manner = Literal["drive", "ride", "walk"]
Ground = tuple[float, float]


@dataclass(frozen=True)
class Gate:
    """A place where those on a way wait until their signal is open.

    Attributes:
        at_m: Where their front stops.
        signal: Which group of the signals they obey.
    """

    at_m: float
    signal: str


@dataclass(frozen=True)
class Signals:
    """Groups that are open in turns.

    Attributes:
        cycle_s: After which everything repeats.
        open_s: From when to when in the cycle each group is open.
        offset_s: How far into the cycle the scene begins.
    """

    cycle_s: float = 60.0
    open_s: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    offset_s: float = 0.0

    def is_open(self, group: str, time_s: float) -> bool:
        """Whether those of the group may go."""
        now_s = (time_s + self.offset_s) % self.cycle_s
        begin_s, end_s = self.open_s[group]
        return begin_s <= now_s < end_s


@dataclass(frozen=True)
class Leg:
    """A part of a route that ends with a stop.

    Attributes:
        path: The way.
        backwards: Driven in reverse.
        wait_s: Shortest and longest stop at its end.
        lock: What nobody else may hold while this leg is under way.
    """

    path: Path
    backwards: bool = False
    wait_s: tuple[float, float] = (0.0, 0.0)
    lock: str = ""


@dataclass(frozen=True)
class Route:
    """A way through the scene and the traffic on it.

    Attributes:
        legs: Its parts.
        manner: How one moves on it.
        attributes: Who uses it, and how often compared with each other.
        every_s: Mean time between arrivals at density 1.
        speed_m_s: Slowest and fastest wish.
        entry: Routes with the same entry share their first `shared_m` metres.
        exit: Routes with the same exit share their last stretch.
        shared_m: See entry.
        merge_m: How long the last stretch is.
        gates: Where one waits; on the first leg.
        slow: From, to (metres) and speed of a bend.
        left_m: Least and greatest distance to the left of the path.
        claim: What an object holds for its whole life, so that only one is on the route.
        parties: Sizes of groups of walkers, drawn by lot.
    """

    legs: tuple[Leg, ...]
    manner: Manner
    attributes: Mapping[str, float]
    every_s: float
    speed_m_s: tuple[float, float]
    entry: str = ""
    exit: str = ""
    shared_m: float = 0.0
    merge_m: float = 0.0
    gates: tuple[Gate, ...] = ()
    slow: tuple[tuple[float, float, float], ...] = ()
    left_m: tuple[float, float] = (0.0, 0.0)
    claim: str = ""
    parties: tuple[int, ...] = (1,)


@dataclass(frozen=True)
class Patch:
    """A flat piece of ground: its corners in metres and its colour."""

    points: Sequence[Ground]
    colour: Colour
    grain: int = 6


@dataclass(frozen=True)
class Thing:
    """A fixed thing that can hide what is behind it.

    Attributes:
        solid: Its body.
        x: Where it stands; `y` likewise.
        heading_rad: How it is turned.
        casts: Whether it throws a shadow.
    """

    solid: Solid
    x: float
    y: float
    heading_rad: float = 0.0
    casts: bool = True


@dataclass(frozen=True)
class Layout:
    """A whole scene.

    Attributes:
        view: The camera.
        routes: All traffic.
        signals: What it obeys.
        base: Colour of the ground where nothing else lies.
        ground: What lies on it, later pieces on earlier ones.
        things: Fixed things.
        lines: Name and both ends on the ground.
        zones: Name and corners on the ground.
        street_lamps: Where lamps stand, in metres.
    """

    view: View
    routes: tuple[Route, ...]
    signals: Signals
    base: Patch
    ground: tuple[Patch, ...]
    things: tuple[Thing, ...]
    lines: Mapping[str, tuple[Ground, Ground]]
    zones: Mapping[str, tuple[Ground, ...]]
    street_lamps: tuple[Ground, ...]

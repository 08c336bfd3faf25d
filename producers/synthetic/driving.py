"""How fast one goes: the Intelligent Driver Model, for vehicles, cyclists and walkers alike.

Treiber, Hennecke, Helbing: Congested traffic states in empirical observations and microscopic simulations,
Physical Review E 62, 2000.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from producers.synthetic.layout import Manner

_HARDEST_BRAKING_M_S2: Final = 9.0


@dataclass(frozen=True)
class Style:
    """How one of a manner moves.

    Attributes:
        accelerate_m_s2: Greatest acceleration.
        brake_m_s2: Comfortable braking.
        headway_s: Time kept to who is ahead.
        standing_gap_m: Distance kept when standing.
    """

    accelerate_m_s2: float
    brake_m_s2: float
    headway_s: float
    standing_gap_m: float


STYLES: Final[Mapping[Manner, Style]] = {
    "drive": Style(2.2, 3.0, 1.0, 1.6),
    "ride": Style(1.4, 2.5, 0.8, 1.0),
    "walk": Style(1.5, 2.0, 0.4, 0.45),
}


def next_speed_m_s(
    speed: float, wanted: float, gap_m: float, ahead_m_s: float, style: Style, step_s: float
) -> float:
    """The speed after a step, at a distance `gap_m` behind who drives `ahead_m_s`; inf for nobody."""
    ratio = speed / wanted
    square = ratio * ratio
    pull = 1 - square * square
    if gap_m < math.inf:
        closing = speed * (speed - ahead_m_s) / (2 * math.sqrt(style.accelerate_m_s2 * style.brake_m_s2))
        wish_m = style.standing_gap_m + max(0.0, speed * style.headway_s + closing)
        tension = wish_m / max(gap_m, 0.05)
        pull -= tension * tension
    change = max(style.accelerate_m_s2 * pull, -_HARDEST_BRAKING_M_S2) * step_s
    # Who must not come closer stands after this step rather than creeping on for ever.
    after = max(0.0, speed + change)
    return min(after, max(0.0, gap_m - 0.2) / step_s)


def can_stop(speed: float, gap_m: float) -> bool:
    """Whether one comes to a stand within a distance by braking firmly."""
    return gap_m > 0 and speed * speed <= 2 * 4.5 * gap_m

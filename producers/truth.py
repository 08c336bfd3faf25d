"""What a camera with known truth says about a frame: objects, places, and what happened at them.

It draws nothing and imports no renderer, so that whoever carries the truth onwards stays light.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

EventKind = Literal["crossed", "entered", "left"]
Direction = Literal["forward", "backward", ""]


@dataclass(frozen=True)
class Line:
    """A line from (x1, y1) to (x2, y2) in pixels of the picture.

    It is crossed forward by what comes from its left and goes to its right, as seen when looking from the
    first point to the second in the picture (x to the right, y down).
    """

    name: str
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Zone:
    """A polygon in the picture.

    Attributes:
        name: Unique among the camera's places.
        points: float64 (K, 2), K >= 3, x y in pixels, not crossing itself.
    """

    name: str
    points: NDArray[np.float64]


@dataclass(frozen=True)
class TruthEvent:
    """Something that an object did at a line or a zone.

    Attributes:
        kind: crossed (a line), entered or left (a zone).
        place: The line's or zone's name.
        object_id: Whose.
        at_ns: When, in nanoseconds since the camera's first frame.
        direction: Of a crossing; empty for a zone.
    """

    kind: EventKind
    place: str
    object_id: int
    at_ns: int
    direction: Direction = ""


@dataclass(frozen=True)
class FrameTruth:
    """The N objects of a frame that can be seen at all.

    Attributes:
        boxes: float32 (N, 4), x1 y1 x2 y2 in pixels, tight around the object's whole silhouette (also what is
            hidden behind others), clipped to the picture.
        ids: int64 (N,), never used again for another object.
        classes: uint16 (N,), indices into `producers.synthetic.CLASSES`.
        attributes: uint16 (N,), indices into `producers.synthetic.ATTRIBUTES`.
        visibility: float32 (N,), over 0 and up to 1: the share of the whole silhouette, also outside of the
            picture, that can be seen.
        events: What happened after the previous frame and up to this one, in order of time.
    """

    boxes: NDArray[np.float32]
    ids: NDArray[np.int64]
    classes: NDArray[np.uint16]
    attributes: NDArray[np.uint16]
    visibility: NDArray[np.float32]
    events: tuple[TruthEvent, ...] = ()


@dataclass(frozen=True)
class Legend:
    """What the truth of a source's frames is told in.

    Attributes:
        classes: Names that `FrameTruth.classes` are indices into.
        attributes: Names that `FrameTruth.attributes` are indices into.
        lines: The lines that objects cross.
        zones: The zones that objects enter and leave.
    """

    classes: tuple[str, ...]
    attributes: tuple[str, ...]
    lines: tuple[Line, ...] = ()
    zones: tuple[Zone, ...] = ()

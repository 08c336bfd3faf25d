"""`sightline.truth.v1`: what can really be seen on one frame, from a source that knows it."""

from dataclasses import dataclass
from typing import Annotated, Final

from schemas import arrays, fields
from schemas.arrays import BoxArray, IdArray, IndexArray, UnitArray, check_indices
from schemas.fields import Count, Name, Names, SidePx
from schemas.wire import DecodeError, StreamMessage, Struct

KINDS: Final = ("defined", "crossed", "entered", "left")
DIRECTIONS: Final = ("", "forward", "backward")
MAX_EVENTS: Final = 256
MAX_POINTS: Final = 64

Point = tuple[float, float]
"""x and y in pixels of the source frame."""


@dataclass(frozen=True, kw_only=True)
class TruthEvent(Struct):
    """A line or zone that there is, or what an object did to it.

    Attributes:
        kind: "defined" (the place itself), "crossed" (a line), "entered" or "left" (a zone).
        place: Name of the line or zone, unique in its stream.
        at_ns: When, in Unix nanoseconds of event time: exact, and so mostly between two frames.
        object_id: Who, 0..2**63 - 1; None for "defined".
        direction: For "crossed": "forward" if the object came to the side on which
            (x2 - x1) (y - y1) - (y2 - y1) (x - x1) is over zero, which with y downwards is on the right of
            who looks from the line's first point to its second; else "backward". Empty for all others.
        points: For "defined": the two ends of a line, or at least three corners of a zone. Else empty.
    """

    kind: Annotated[str, fields.text(choices=KINDS)]
    place: Name
    at_ns: Count
    object_id: Annotated[int | None, fields.optional(fields.integer())] = None
    direction: Annotated[str, fields.optional(fields.text(choices=DIRECTIONS), "")] = ""
    points: Annotated[tuple[Point, ...], fields.optional(arrays.points(MAX_POINTS), ())] = ()

    def check(self) -> None:
        """Refuse what does not go with the kind."""
        is_place = self.kind == "defined"
        if is_place != bool(self.points):
            reason = "is missing" if is_place else f"do not belong to what was {self.kind}"
            raise DecodeError("points", reason)
        if (self.kind == "crossed") != bool(self.direction):
            raise DecodeError("direction", f"{self.direction!r} does not go with {self.kind!r}")
        if is_place != (self.object_id is None):
            reason = "does not belong to what is defined" if is_place else "is missing"
            raise DecodeError("object_id", reason)


_EVENTS = fields.maps(TruthEvent.from_map, TruthEvent.to_map, MAX_EVENTS)


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth(StreamMessage):
    """The N objects that can be seen on one frame, and what happened up to it.

    Attributes:
        width: Width of the source frame in pixels.
        height: Height of the source frame in pixels.
        boxes: float32 (N, 4): x1, y1, x2, y2 in pixels, tight, cut at the picture's edge.
        object_ids: uint64 (N,), below 2**63: never used again in the epoch.
        class_ids: uint16 (N,): index into `classes`.
        classes: Names of the classes, such as "car".
        attribute_ids: uint16 (N,): index into `attributes`.
        attributes: Names of what a classifier is to tell, such as "car-red".
        visibility: float32 (N,) in 0..1: share of the whole object that can be seen.
        events: What happened after the frame before that has a message, in the order of time. The first
            message of an epoch begins with all places, each "defined".
    """

    width: SidePx
    height: SidePx
    boxes: BoxArray
    object_ids: IdArray
    class_ids: IndexArray
    classes: Names
    attribute_ids: IndexArray
    attributes: Names
    visibility: UnitArray
    events: Annotated[tuple[TruthEvent, ...], _EVENTS] = ()

    def check(self) -> None:
        """Refuse an object that is there twice, and names that are not there."""
        if len(set(self.object_ids.tolist())) != len(self.object_ids):
            raise DecodeError("object_ids", "an object is there twice")
        check_indices("class_ids", self.class_ids, "classes", self.classes)
        check_indices("attribute_ids", self.attribute_ids, "attributes", self.attributes)

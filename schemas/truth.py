"""`sightline.truth.v1`: what can really be seen on one frame, from a source that knows it."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.wire import MAX_INT, DecodeError, Reader, StreamMessage, array_bytes, pack

KINDS: Final = ("defined", "crossed", "entered", "left")
DIRECTIONS: Final = ("", "forward", "backward")
MAX_EVENTS: Final = 256
MAX_POINTS: Final = 64

Point = tuple[float, float]
"""x and y in pixels of the source frame."""


@dataclass(frozen=True, kw_only=True)
class TruthEvent:
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

    kind: str
    place: str
    at_ns: int
    object_id: int | None = None
    direction: str = ""
    points: tuple[Point, ...] = ()


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

    width: int
    height: int
    boxes: npt.NDArray[np.float32]
    object_ids: npt.NDArray[np.uint64]
    class_ids: npt.NDArray[np.uint16]
    classes: tuple[str, ...]
    attribute_ids: npt.NDArray[np.uint16]
    attributes: tuple[str, ...]
    visibility: npt.NDArray[np.float32]
    events: tuple[TruthEvent, ...] = ()

    def to_bytes(self) -> bytes:
        """Pack the message."""
        own: dict[str, Any] = {
            "width": self.width,
            "height": self.height,
            "boxes": array_bytes(self.boxes, "<f4"),
            "object_ids": array_bytes(self.object_ids, "<u8"),
            "class_ids": array_bytes(self.class_ids, "<u2"),
            "classes": self.classes,
            "attribute_ids": array_bytes(self.attribute_ids, "<u2"),
            "attributes": self.attributes,
            "visibility": array_bytes(self.visibility, "<f4"),
            "events": [_packable(event) for event in self.events],
        }
        return pack(self.identity_fields() | own)

    @classmethod
    def from_bytes(cls, data: bytes | None) -> "Truth":
        """Unpack and check; raises `DecodeError`. The arrays are read-only views of the message."""
        reader = Reader(data)
        width, height = reader.size_px()
        boxes = reader.boxes()
        count = len(boxes)
        object_ids = reader.array("object_ids", "<u8", count)
        if count and int(object_ids.max()) > MAX_INT:
            raise DecodeError("object_ids", f"{int(object_ids.max())} is not in 0..{MAX_INT}")
        if len(set(object_ids.tolist())) != count:
            raise DecodeError("object_ids", "an object is there twice")
        class_ids, classes = reader.indices("class_ids", "classes", count)
        attribute_ids, attributes = reader.indices("attribute_ids", "attributes", count)
        return cls(
            **reader.identity(),
            width=width,
            height=height,
            boxes=boxes,
            object_ids=object_ids,
            class_ids=class_ids,
            classes=classes,
            attribute_ids=attribute_ids,
            attributes=attributes,
            visibility=reader.unit_floats("visibility", "<f4", count),
            events=tuple(_event(each) for each in reader.maps("events", MAX_EVENTS)),
        )


def _packable(event: TruthEvent) -> dict[str, Any]:
    fields: dict[str, Any] = {"kind": event.kind, "place": event.place, "at_ns": event.at_ns}
    if event.object_id is not None:
        fields["object_id"] = event.object_id
    if event.direction:
        fields["direction"] = event.direction
    if event.points:
        fields["points"] = array_bytes(np.array(event.points), "<f4")
    return fields


def _event(reader: Reader) -> TruthEvent:
    kind = reader.choice("kind", KINDS)
    points: tuple[Point, ...] = ()
    if kind == "defined":
        points = _points(reader)
    elif reader.has("points"):
        raise DecodeError("points", f"do not belong to what was {kind}")
    direction = reader.choice("direction", DIRECTIONS) if reader.has("direction") else ""
    if (kind == "crossed") != bool(direction):
        raise DecodeError("direction", f"{direction!r} does not go with {kind!r}")
    if kind == "defined" and reader.has("object_id"):
        raise DecodeError("object_id", "does not belong to what is defined")
    return TruthEvent(
        kind=kind,
        place=reader.text("place"),
        at_ns=reader.integer("at_ns"),
        object_id=None if kind == "defined" else reader.integer("object_id"),
        direction=direction,
        points=points,
    )


def _points(reader: Reader) -> tuple[Point, ...]:
    data = reader.binary("points")
    if len(data) % 8 or not 2 <= len(data) // 8 <= MAX_POINTS:
        raise DecodeError("points", f"{len(data)} bytes are not 2 to {MAX_POINTS} points of 8")
    points = reader.coordinates("points", data, 2)
    return tuple((float(x), float(y)) for x, y in points)

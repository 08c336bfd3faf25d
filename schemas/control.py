"""`sightline.control.v1`: commands to the edge (compacted: the latest for a stream stands)."""

from dataclasses import dataclass
from typing import Annotated, Final

from schemas import fields
from schemas.fields import MAX_SIDE_PX, Count, StreamId
from schemas.wire import Message

MODES: Final = ("frames", "detections")


@dataclass(frozen=True, kw_only=True)
class StreamCommand(Message):
    """What a gateway is asked to do with one stream; what is None stays as it is.

    Attributes:
        stream_id: The stream.
        issued_at_ns: When it was asked for, in Unix nanoseconds.
        max_rate_fps: Publish at most this many frames a second, 0.001 to 1000.
        max_width_px: Scale frames down to at most this width, from 16 up.
        mode: "frames" (the server detects) or "detections" (the gateway does).
    """

    stream_id: StreamId
    issued_at_ns: Count
    max_rate_fps: Annotated[float | None, fields.optional(fields.number(0.001, 1000.0))] = None
    max_width_px: Annotated[int | None, fields.optional(fields.integer(16, MAX_SIDE_PX))] = None
    mode: Annotated[str | None, fields.optional(fields.text(choices=MODES))] = None

"""`sightline.frames.v1`: one JPEG frame with its metadata."""

from dataclasses import dataclass
from typing import Annotated, Final

from schemas import fields
from schemas.fields import SidePx
from schemas.wire import StreamMessage

MAX_JPEG_BYTES: Final = 15 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame(StreamMessage):
    """One captured frame.

    Attributes:
        width: Width of the source frame in pixels; boxes come back in its coordinates.
        height: Height of the source frame in pixels.
        jpeg: The picture. It may be smaller than the source frame when the gateway scaled it down. That it
            can be decoded is not checked here.
    """

    width: SidePx
    height: SidePx
    jpeg: Annotated[bytes, fields.binary(MAX_JPEG_BYTES)]

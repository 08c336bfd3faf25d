"""`sightline.frames.v1`: one JPEG frame with its metadata."""

from dataclasses import dataclass
from typing import Final

from schemas.wire import Reader, StreamMessage, pack

MAX_JPEG_BYTES: Final = 15 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame(StreamMessage):
    """One captured frame.

    Attributes:
        width: Width of the source frame in pixels; boxes come back in its coordinates.
        height: Height of the source frame in pixels.
        jpeg: The picture. It may be smaller than the source frame when the gateway scaled it down.
    """

    width: int
    height: int
    jpeg: bytes

    def to_bytes(self) -> bytes:
        """Pack the message."""
        own = {"width": self.width, "height": self.height, "jpeg": self.jpeg}
        return pack(self.identity_fields() | own)

    @classmethod
    def from_bytes(cls, data: bytes | None) -> "Frame":
        """Unpack and check; raises `DecodeError`. That the JPEG can be decoded is not checked here."""
        reader = Reader(data)
        width, height = reader.size_px()
        jpeg = reader.binary("jpeg", max_bytes=MAX_JPEG_BYTES)
        return cls(**reader.identity(), width=width, height=height, jpeg=jpeg)

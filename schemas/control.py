"""`sightline.control.v1`: commands to the edge (compacted: the latest for a stream stands)."""

from dataclasses import dataclass
from typing import Final

from schemas.wire import MAX_SIDE_PX, Reader, pack

MODES: Final = ("frames", "detections")


@dataclass(frozen=True, kw_only=True)
class StreamCommand:
    """What a gateway is asked to do with one stream; what is None stays as it is.

    Attributes:
        stream_id: The stream.
        issued_at_ns: When it was asked for, in Unix nanoseconds.
        max_rate_fps: Publish at most this many frames a second, 0.001 to 1000.
        max_width_px: Scale frames down to at most this width, from 16 up.
        mode: "frames" (the server detects) or "detections" (the gateway does).
    """

    stream_id: str
    issued_at_ns: int
    max_rate_fps: float | None = None
    max_width_px: int | None = None
    mode: str | None = None

    def to_bytes(self) -> bytes:
        """Pack the message."""
        return pack(
            {
                "version": 1,
                "stream_id": self.stream_id,
                "issued_at_ns": self.issued_at_ns,
                "max_rate_fps": self.max_rate_fps,
                "max_width_px": self.max_width_px,
                "mode": self.mode,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes | None) -> "StreamCommand":
        """Unpack and check; raises `DecodeError`."""
        reader = Reader(data)
        has_rate, has_width = reader.has("max_rate_fps"), reader.has("max_width_px")
        return cls(
            stream_id=reader.stream_id(),
            issued_at_ns=reader.integer("issued_at_ns"),
            max_rate_fps=reader.number("max_rate_fps", low=0.001, high=1000.0) if has_rate else None,
            max_width_px=reader.integer("max_width_px", low=16, high=MAX_SIDE_PX) if has_width else None,
            mode=reader.choice("mode", MODES) if reader.has("mode") else None,
        )

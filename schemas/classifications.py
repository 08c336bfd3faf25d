"""`sightline.classifications.v1`: a track's label, when it is decided or changes."""

from dataclasses import dataclass

from schemas.wire import Reader, StreamMessage, pack


@dataclass(frozen=True, kw_only=True, eq=False)
class Classification(StreamMessage):
    """The label of one track, decided at the frame that the message names.

    Attributes:
        track_id: The track, unique within the stream.
        label: What it is now taken for.
        previous: What it was taken for before; None at the first decision.
        confidence: Share of the evidence that speaks for the label, 0..1.
    """

    track_id: int
    label: str
    previous: str | None
    confidence: float

    def to_bytes(self) -> bytes:
        """Pack the message."""
        own = {
            "track_id": self.track_id,
            "label": self.label,
            "previous": self.previous,
            "confidence": self.confidence,
        }
        return pack(self.identity_fields() | own)

    @classmethod
    def from_bytes(cls, data: bytes | None) -> "Classification":
        """Unpack and check; raises `DecodeError`."""
        reader = Reader(data)
        return cls(
            **reader.identity(),
            track_id=reader.integer("track_id"),
            label=reader.text("label"),
            previous=reader.text("previous") if reader.has("previous") else None,
            confidence=reader.number("confidence", low=0.0, high=1.0),
        )

"""`sightline.classifications.v1`: a track's label, when it is decided or changes."""

from dataclasses import dataclass
from typing import Annotated

from schemas import fields
from schemas.fields import Count, Name
from schemas.wire import StreamMessage


@dataclass(frozen=True, kw_only=True, eq=False)
class Classification(StreamMessage):
    """The label of one track, decided at the frame that the message names.

    Attributes:
        track_id: The track, unique within the stream.
        label: What it is now taken for.
        previous: What it was taken for before; None at the first decision.
        confidence: Share of the evidence that speaks for the label, 0..1.
    """

    track_id: Count
    label: Name
    previous: Annotated[str | None, fields.optional(fields.text())] = None
    confidence: Annotated[float, fields.number(0.0, 1.0)]

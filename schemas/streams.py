"""`sightline.streams.v1`: the latest health and counters of each stream, per stage (compacted)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from schemas import fields
from schemas.fields import Count, Name, StreamId
from schemas.wire import Message

STATES: Final = ("running", "ended", "failed")
MAX_MESSAGE_CHARS: Final = 2000


@dataclass(frozen=True, kw_only=True)
class StreamStatus(Message):
    """What one stage knows about one stream.

    Attributes:
        stream_id: The stream.
        epoch: The gateway's start that the counters belong to.
        stage: Name of the stage, such as "capture" or "infer".
        instance: Which process of the stage reports.
        at_ns: When, in Unix nanoseconds by the reporter's clock.
        state: "running", "ended" (nothing more will come in this epoch) or "failed".
        message: A sentence for people, empty if all is well.
        counters: Totals since the epoch or the process began. A gateway reports `captured`, `published`
            and `dropped.<reason>`; together they must account for every frame.
    """

    stream_id: StreamId
    epoch: Count
    stage: Name
    instance: Name
    at_ns: Count
    state: Annotated[str, fields.text(choices=STATES)]
    counters: Annotated[Mapping[str, int], fields.counters()]
    message: Annotated[str, fields.optional(fields.text(MAX_MESSAGE_CHARS))] = ""

    @property
    def key(self) -> bytes:
        """The record's key. It names the stage too, or compaction would keep one stage per stream."""
        return f"{self.stream_id}/{self.stage}".encode()

"""`sightline.streams.v1`: the latest health and counters of each stream, per stage (compacted)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.wire import Reader, pack

STATES: Final = ("running", "ended", "failed")
MAX_MESSAGE_CHARS: Final = 2000


@dataclass(frozen=True, kw_only=True)
class StreamStatus:
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

    stream_id: str
    epoch: int
    stage: str
    instance: str
    at_ns: int
    state: str
    counters: Mapping[str, int]
    message: str = ""

    @property
    def key(self) -> bytes:
        """The record's key. It names the stage too, or compaction would keep one stage per stream."""
        return f"{self.stream_id}/{self.stage}".encode()

    def to_bytes(self) -> bytes:
        """Pack the message."""
        return pack(
            {
                "version": 1,
                "stream_id": self.stream_id,
                "epoch": self.epoch,
                "stage": self.stage,
                "instance": self.instance,
                "at_ns": self.at_ns,
                "state": self.state,
                "counters": dict(self.counters),
                "message": self.message,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes | None) -> "StreamStatus":
        """Unpack and check; raises `DecodeError`."""
        reader = Reader(data)
        return cls(
            stream_id=reader.stream_id(),
            epoch=reader.integer("epoch"),
            stage=reader.text("stage"),
            instance=reader.text("instance"),
            at_ns=reader.integer("at_ns"),
            state=reader.choice("state", STATES),
            counters=reader.counters("counters"),
            message=reader.text("message", max_chars=MAX_MESSAGE_CHARS) if reader.has("message") else "",
        )

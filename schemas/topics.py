"""The topics, declared once. Faust, confluent-kafka, `infra/` and the docs all read this."""

from dataclasses import dataclass
from typing import Final

_HOUR_S: Final = 3600
_DAY_S: Final = 24 * _HOUR_S
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic and how long it keeps what it gets.

    Attributes:
        name: Full name with the version of its messages.
        purpose: What one record is, for the docs.
        compacted: Keep the latest record of each key for ever, instead of all for a time.
        retention_s: How long records are kept, in seconds; ignored where compacted.
        retention_bytes: Bytes kept per partition at most, or None for no limit.
        max_message_bytes: Largest record.
    """

    name: str
    purpose: str
    compacted: bool = False
    retention_s: int = 3 * _DAY_S
    retention_bytes: int | None = None
    max_message_bytes: int = _MIB


FRAMES: Final = Topic(
    name="sightline.frames.v1",
    purpose="one JPEG frame with its metadata",
    retention_s=_HOUR_S,
    retention_bytes=2048 * _MIB,
    max_message_bytes=16 * _MIB,
)
DETECTIONS: Final = Topic(
    name="sightline.detections.v1",
    purpose="all detections of one frame, empty ones too",
    max_message_bytes=4 * _MIB,
)
TRACKS: Final = Topic(name="sightline.tracks.v1", purpose="all live tracks after one frame")
CLASSIFICATIONS: Final = Topic(
    name="sightline.classifications.v1", purpose="a track's label, when decided or changed"
)
ALERTS: Final = Topic(name="sightline.alerts.v1", purpose="CloudEvents 1.0 in JSON", retention_s=30 * _DAY_S)
STREAMS: Final = Topic(
    name="sightline.streams.v1", purpose="latest health and counters per stream and stage", compacted=True
)
CONTROL: Final = Topic(name="sightline.control.v1", purpose="commands to the edge", compacted=True)
DEAD_LETTERS: Final = Topic(
    name="sightline.dead-letters.v1",
    purpose="original bytes; why, which stage, and from where in the headers",
    retention_s=30 * _DAY_S,
    max_message_bytes=17 * _MIB,  # whatever fits into another topic fits here, headers included
)

TRUTH: Final = Topic(
    name="sightline.truth.v1", purpose="what is really on one frame, from a source that knows"
)

ALL: Final = (FRAMES, DETECTIONS, TRACKS, CLASSIFICATIONS, ALERTS, STREAMS, CONTROL, DEAD_LETTERS, TRUTH)

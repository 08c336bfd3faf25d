"""The track stage for the stateful driver: decode, one pure step, encode."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from processors.track.codec import decode_state, encode_state
from processors.track.config import DEFAULT_CONFIG, TrackerConfig
from processors.track.state import TrackerState, initial_state
from processors.track.tracker import StepResult, step
from schemas import topics
from schemas.detections import Detections
from schemas.streams import StreamStatus
from schemas.wire import DecodeError
from sightline.stateful import KeyCounters, Output

NAME: Final = "track"


@dataclass(frozen=True)
class TrackStage:
    """`sightline.stateful.Stage` for tracks.

    Tracks and classifications follow from the log alone; only the clock that each message's trace gets is
    of the moment, so a replay gives the same rows with other delays.

    Attributes:
        clock_ns: Unix nanoseconds now, for the trace.
        config: The tracker's numbers.
    """

    clock_ns: Callable[[], int]
    config: TrackerConfig = DEFAULT_CONFIG
    name: str = NAME
    input_topic: str = topics.DETECTIONS.name
    output_topics: Sequence[str] = (topics.TRACKS.name, topics.CLASSIFICATIONS.name)

    def decode(self, key: bytes, value: bytes) -> Detections:
        """Read one record; raises DecodeError, also if the record's key is not its stream."""
        detections = Detections.from_bytes(value)
        if detections.stream_id.encode() != key:
            raise DecodeError(
                "stream_id", f"is {detections.stream_id!r}, but the record's key is {key!r:.80}"
            )
        return detections

    def order(self, message: Detections) -> tuple[int, int]:
        """The frame's place in its stream."""
        return message.order

    def step(self, state: TrackerState | None, message: Detections) -> tuple[TrackerState, Sequence[Output]]:
        """Take one frame into the state; one message of tracks, and one for each label decided or changed."""
        after, result = step(initial_state() if state is None else state, message, self.config)
        return after, () if result is None else self.outputs(message, result)

    def outputs(self, message: Detections, result: StepResult) -> Sequence[Output]:
        """The messages of one frame's result."""
        trace = (*message.trace, (NAME, self.clock_ns()))
        outputs = [Output(topics.TRACKS.name, replace(result.tracks, trace=trace).to_bytes())]
        outputs += [
            Output(topics.CLASSIFICATIONS.name, replace(label, trace=trace).to_bytes())
            for label in result.classifications
        ]
        return outputs

    def encode_state(self, state: TrackerState) -> bytes:
        """The state's snapshot."""
        return encode_state(state)

    def decode_state(self, data: bytes) -> TrackerState:
        """The state of a snapshot; raises DecodeError."""
        return decode_state(data)


def statuses(counters: Mapping[str, KeyCounters], instance: str, at_ns: int) -> list[Output]:
    """What `sightline.streams.v1` hears of each stream: frames tracked, repeats skipped, dead letters.

    `superseded.EPOCH` counts frames of an older epoch that came after a newer one's: of a second gateway.
    """
    found = []
    for stream_id, count in counters.items():
        if count.epoch < 0:
            continue
        status = StreamStatus(
            stream_id=stream_id,
            epoch=count.epoch,
            stage=NAME,
            instance=instance,
            at_ns=at_ns,
            state="running",
            counters={
                "frames": count.processed,
                "repeats": count.repeats,
                "dead_letters": count.dead_letters,
                **{f"superseded.{epoch}": frames for epoch, frames in count.superseded.items()},
            },
        )
        found.append(Output(topics.STREAMS.name, status.to_bytes(), status.key))
    return found

"""A worker of `sightline bench track`: the track stage with a clock at each of its parts.

`python -m processors.track.throughput_worker CPU FIRST_SEQ`: runs on that processor only, counts from the
first frame of sequence number FIRST_SEQ, and prints a `Spent` as JSON when it is told to stop.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from processors.track.stage import TrackStage
from processors.track.state import TrackerState, initial_state
from processors.track.tracker import step
from processors.track.worker import run_track
from schemas.detections import Detections
from sightline.settings_sources import load
from sightline.stateful import Output


@dataclass
class Spent:
    """CPU seconds of one worker, of which `total_s` is the whole process.

    Attributes:
        frames: Frames that were counted.
        decode_s: Reading messages.
        step_s: The tracker.
        encode_s: Packing tracks and labels.
        snapshot_s: Packing states.
        main_s: Of the thread that does all this: also the driver, Faust, asyncio and the producing client.
        total_s: Also the thread that fetches records, and what else there is.
    """

    frames: int = 0
    decode_s: float = 0.0
    step_s: float = 0.0
    encode_s: float = 0.0
    snapshot_s: float = 0.0
    main_s: float = 0.0
    total_s: float = 0.0


@dataclass(frozen=True)
class TimedStage(TrackStage):
    """The track stage; adds up in `spent` what it takes from frame `first_seq` on."""

    first_seq: int = 0
    spent: Spent = field(default_factory=Spent)
    start: list[float] = field(default_factory=list)

    def decode(self, key: bytes, value: bytes) -> Detections:
        """As of the stage."""
        before_s = time.thread_time()
        message = super().decode(key, value)
        after_s = time.thread_time()
        if message.seq >= self.first_seq:
            if not self.start:
                self.start.extend((after_s, time.process_time()))
            self.spent.decode_s += after_s - before_s
        return message

    def step(self, state: TrackerState | None, message: Detections) -> tuple[TrackerState, Sequence[Output]]:
        """As of the stage."""
        before_s = time.thread_time()
        after, result = step(initial_state() if state is None else state, message, self.config)
        between_s = time.thread_time()
        outputs = () if result is None else self.outputs(message, result)
        if message.seq >= self.first_seq:
            after_s, spent = time.thread_time(), self.spent
            spent.frames += 1
            spent.step_s += between_s - before_s
            spent.encode_s += after_s - between_s
            spent.main_s, spent.total_s = after_s - self.start[0], time.process_time() - self.start[1]
        return after, outputs

    def encode_state(self, state: TrackerState) -> bytes:
        """As of the stage."""
        before_s = time.thread_time()
        data = super().encode_state(state)
        if self.start:
            self.spent.snapshot_s += time.thread_time() - before_s
        return data


def main(arguments: list[str]) -> None:
    """Run the worker, then print what it spent."""
    cpu, first_seq = map(int, arguments)
    os.sched_setaffinity(0, {cpu})
    stage = TimedStage(time.time_ns, first_seq=first_seq)
    run_track(load(os.environ).settings, stage)
    sys.stdout.write(json.dumps(asdict(stage.spent)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

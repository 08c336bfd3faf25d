"""A load generator: small detection messages of many streams at a steady rate, with smooth motion.

It takes the place of gateways whose cameras and detectors would cost more than the pipeline that is measured.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from producers.account import FrameAccount
from producers.encoding import ClockNs
from producers.epochs import next_epoch
from producers.publisher import Publisher
from producers.statuses import Statuses, StreamReport
from schemas.detections import Detections
from schemas.topics import DETECTIONS, STREAMS
from sightline import kafka_clients
from sightline.settings import Settings
from sightline.stream_names import check_stream_id
from sightline.topic_admin import require_topics
from sightline.vision.labels import labels_version
from sightline.vision.palette import PALETTE, PICTURE_HEIGHT_PX, PICTURE_WIDTH_PX

OBJECTS: Final = 5

_PERIOD_FRAMES: Final = 600
_TICK_S: Final = 0.005
_GRACE_S: Final = 10.0


def run_replay(
    settings: Settings,
    *,
    streams: int = 100,
    frames_per_s: float = 1000.0,
    seconds: float = 30.0,
    stop: threading.Event | None = None,
    prefix: str = "replay",
    state_dir: Path | None = None,
    clock_ns: ClockNs = time.time_ns,
) -> dict[str, int]:
    """Publish detections of `streams` streams, `frames_per_s` of all together, evenly in ticks of 5 ms.

    Each stream has five objects that move evenly and turn round at the edges. Its statuses come as from
    a gateway, the last with exact counters. If this process falls behind its clock it catches up.

    Args:
        settings: The sections kafka and status are used.
        streams: How many.
        frames_per_s: Messages a second, of all streams together.
        seconds: For how long.
        stop: Ends it early.
        prefix: Stream ids are prefix-000 and so on.
        state_dir: Where epochs are kept; unset takes the clock's seconds.
        clock_ns: The wall clock.

    Returns:
        `captured`, `published` and `dropped.<reason>` summed over the streams, and `late` messages, which
        left over 20 ms behind their time.

    Raises:
        SightlineError: The prefix makes no stream ids, no broker answers, or a topic is missing.
    """
    stop = stop or threading.Event()
    names = [check_stream_id(f"{prefix}-{number:03d}") for number in range(streams)]
    require_topics(settings.kafka, [DETECTIONS.name, STREAMS.name])
    with ExitStack() as stack:
        producer = kafka_clients.producer(
            settings.kafka,
            client_id="sightline-replay",
            compression="lz4",
            delivery_timeout_s=60.0,
            linger_ms=5,
        )
        publisher = stack.enter_context(Publisher(producer))
        statuses = Statuses(publisher, "replay", clock_ns)
        now_s = clock_ns() // 1_000_000_000
        replayed = [
            ReplayedStream(
                name, next_epoch(state_dir / f"{name}.epoch", now_s) if state_dir else now_s, number
            )
            for number, name in enumerate(names)
        ]
        late = _send_all(replayed, publisher, statuses, settings, (frames_per_s, seconds), stop, clock_ns)
        for stream in replayed:
            stream.account.wait_settled(_GRACE_S)
            statuses.final(stream.report("ended"))
        statuses.wait_final(_GRACE_S)
    totals = {"captured": 0, "published": 0, "late": late}
    for stream in replayed:
        for name, count in stream.account.counters().items():
            totals[name] = totals.get(name, 0) + count
    return totals


class ReplayedStream:
    """One stream: its motion, worked out before the clock runs, and its account."""

    def __init__(self, stream_id: str, epoch: int, number: int) -> None:
        self.stream_id, self.epoch = stream_id, epoch
        self.key = stream_id.encode()
        self.account = FrameAccount()
        rng = np.random.default_rng([number, 0x52])
        kinds = np.arange(OBJECTS) % len(PALETTE)
        self.boxes = moving_boxes(rng, kinds)
        self.scores = rng.uniform(0.7, 0.95, OBJECTS).astype(np.float32)
        self.class_ids = kinds.astype(np.uint16)
        self.names = {index: kind.name for index, kind in enumerate(PALETTE)}
        self.labels = labels_version([kind.name for kind in PALETTE])

    def message(self, seq: int, now_ns: int) -> bytes:
        """Detections of frame `seq`, as if captured and detected just now."""
        return Detections(
            stream_id=self.stream_id,
            epoch=self.epoch,
            seq=seq,
            captured_at_ns=now_ns,
            trace=(("capture", now_ns), ("publish", now_ns)),
            width=PICTURE_WIDTH_PX,
            height=PICTURE_HEIGHT_PX,
            boxes=self.boxes[seq % _PERIOD_FRAMES],
            scores=self.scores,
            class_ids=self.class_ids,
            labels=self.labels,
            names=self.names,
        ).to_bytes()

    def report(self, state: str) -> StreamReport:
        """How it stands."""
        return StreamReport(self.stream_id, self.epoch, state, "", self.account.counters())


def moving_boxes(rng: np.random.Generator, kinds: NDArray[np.int64]) -> NDArray[np.float32]:
    """Boxes of N objects in lanes of their own that go to and fro; the last frame leads to the first.

    Args:
        rng: Where speeds and starts come from.
        kinds: (N,) indices into the palette.

    Returns:
        float32 (600, N, 4), x1 y1 x2 y2 in pixels, all inside a picture of 640x360.
    """
    sizes = np.array([(PALETTE[kind].width_px, PALETTE[kind].height_px) for kind in kinds], dtype=float)
    room_px = PICTURE_WIDTH_PX - sizes[:, 0]
    rounds = rng.integers(1, 4, len(kinds))  # to and fro in a period, whole so that it closes
    phase = np.arange(_PERIOD_FRAMES)[:, None] / _PERIOD_FRAMES * rounds + rng.uniform(0, 1, len(kinds))
    x1 = np.abs((phase % 1) * 2 - 1) * room_px
    lanes = (np.arange(len(kinds)) + 0.5) * PICTURE_HEIGHT_PX / len(kinds) - sizes[:, 1] / 2
    y1 = np.broadcast_to(lanes, x1.shape)
    return np.stack((x1, y1, x1 + sizes[:, 0], y1 + sizes[:, 1]), axis=2).astype(np.float32)


def _send_all(
    streams: Sequence[ReplayedStream],
    publisher: Publisher,
    statuses: Statuses,
    settings: Settings,
    pace: tuple[float, float],
    stop: threading.Event,
    clock_ns: Callable[[], int],
) -> int:
    """Send in turn, in ticks of a few milliseconds; returns how many messages were late."""
    frames_per_s, seconds = pace
    total, sent, late = round(frames_per_s * seconds), 0, 0
    start_s = report_s = time.monotonic()
    while sent < total and not stop.is_set():
        now_s = time.monotonic()
        due = min(total, int((now_s - start_s) * frames_per_s) + 1)
        behind_s = now_s - start_s - sent / frames_per_s
        late += due - sent if behind_s > 0.02 else 0
        for index in range(sent, due):
            _send(streams[index % len(streams)], publisher, stop, clock_ns)
        sent = due
        if now_s - report_s >= settings.status.interval_s:
            report_s = now_s
            for stream in streams:
                statuses.running(stream.report("running"))
        time.sleep(max(_TICK_S, min(0.1, start_s + sent / frames_per_s - time.monotonic())))
    return late


def _send(
    stream: ReplayedStream, publisher: Publisher, stop: threading.Event, clock_ns: Callable[[], int]
) -> None:
    seq = stream.account.capture()
    if seq is None:
        return
    message = stream.message(seq, clock_ns())
    while not publisher.try_send(DETECTIONS.name, stream.key, message, stream.account):
        if stop.wait(_TICK_S):
            stream.account.drop("stopped")
            return

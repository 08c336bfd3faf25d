"""Publishes what a source knows about its frames, beside those of them that are sent."""

import logging
import threading
from collections import deque
from typing import Final

import numpy as np

from producers.encoding import ClockNs, Grabbed
from producers.limits import FrameRefusedError, check_readable
from producers.publisher import Publisher
from producers.truth import FrameTruth, Legend
from schemas import truth as message
from schemas.topics import TRUTH
from schemas.truth import MAX_EVENTS, Truth

_LOG = logging.getLogger(__name__)

_RETRY_S: Final = 0.01


class TruthSender:
    """The truth of one stream; a message goes out for each of its frames that does.

    The truth is none of the stream's frames: it is counted apart, in rows of the tables that it fills.

    Args:
        publisher: Sends it.
        key: The stream's.
        legend: What the source's truth is told in.
        started_ns: Event time of the source's first frame, Unix nanoseconds.
        clock_ns: The wall clock.
    """

    def __init__(
        self, publisher: Publisher, key: bytes, legend: Legend, started_ns: int, clock_ns: ClockNs
    ) -> None:
        self._publisher = publisher
        self._key = key
        self._legend = legend
        self._started_ns = started_ns
        self._clock_ns = clock_ns
        self._changed = threading.Condition()
        self._events: deque[tuple[int, message.TruthEvent]] = deque(
            (0, event) for event in _places(legend, started_ns)
        )
        self._in_flight = 0
        self._rows = 0
        self._lost = 0

    def note(self, seq: int, truth: FrameTruth) -> None:
        """A frame was captured, whether it will be sent or not: what happened up to it must not get lost."""
        events = [
            message.TruthEvent(
                kind=event.kind,
                place=event.place,
                at_ns=self._started_ns + event.at_ns,
                object_id=event.object_id,
                direction=event.direction,
            )
            for event in truth.events
        ]
        with self._changed:
            self._events.extend((seq, event) for event in events)

    def send(self, grabbed: Grabbed, stop: threading.Event) -> None:
        """Send the truth of a frame that was sent; waits while the client's queue is full."""
        if grabbed.truth is None:
            return
        told = self._message(grabbed, grabbed.truth)
        value = told.to_bytes()
        try:
            check_readable(value, Truth.from_bytes)
        except FrameRefusedError as error:
            self._refuse(error)
            return
        parcel = _Parcel(self, len(told.object_ids) + len(told.events))
        while not self._publisher.try_send(TRUTH.name, self._key, value, parcel):
            if stop.wait(_RETRY_S):
                self.settle(0, lost=1)
                return

    def _refuse(self, error: FrameRefusedError) -> None:
        if not self._lost:
            _LOG.warning("The truth about a frame of %s is not sent: %s.", self._key.decode(), error.why)
        self.settle(0, lost=1)

    def move(self, change: int) -> None:
        """So many more messages are with the producer."""
        with self._changed:
            self._in_flight += change
            self._changed.notify_all()

    def settle(self, rows: int, *, lost: int = 0) -> None:
        """A message with so many rows is stored, or lost."""
        with self._changed:
            self._rows += rows
            self._lost += lost

    def wait_settled(self, timeout_s: float) -> bool:
        """Wait until the broker has answered to every message; False if it has not after timeout_s."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._in_flight, timeout_s)

    def counters(self) -> dict[str, int]:
        """`truth_rows`, of the messages that are stored, and `truth_lost`, messages that are not."""
        with self._changed:
            return {"truth_rows": self._rows} | ({"truth_lost": self._lost} if self._lost else {})

    def _message(self, grabbed: Grabbed, truth: FrameTruth) -> Truth:
        height, width = grabbed.image.shape[:2]
        return Truth(
            stream_id=grabbed.stream_id,
            epoch=grabbed.epoch,
            seq=grabbed.seq,
            captured_at_ns=grabbed.captured_at_ns,
            trace=(("capture", grabbed.grabbed_at_ns), ("publish", self._clock_ns())),
            width=width,
            height=height,
            boxes=truth.boxes,
            object_ids=truth.ids.astype(np.uint64),
            class_ids=truth.classes,
            classes=self._legend.classes,
            attribute_ids=truth.attributes,
            attributes=self._legend.attributes,
            visibility=np.clip(truth.visibility, 0, 1),
            events=self._take_events(grabbed.seq),
        )

    def _take_events(self, seq: int) -> tuple[message.TruthEvent, ...]:
        """What happened up to a frame and has not been sent; more than a message takes waits for the next."""
        taken: list[message.TruthEvent] = []
        with self._changed:
            while self._events and self._events[0][0] <= seq and len(taken) < MAX_EVENTS:
                taken.append(self._events.popleft()[1])
        return tuple(taken)


class _Parcel:
    """The ledger of one message, as the publisher wants it."""

    def __init__(self, sender: TruthSender, rows: int) -> None:
        self._sender = sender
        self._rows = rows

    def send(self) -> None:
        """It goes to the producer."""
        self._sender.move(1)

    def take_back(self) -> None:
        """The producer did not want it."""
        self._sender.move(-1)

    def publish(self, partition: int, offset: int) -> None:
        """It has been stored."""
        self._sender.settle(self._rows)
        self._sender.move(-1)

    def fail(self, reason: str) -> None:
        """It was not stored."""
        self._sender.settle(0, lost=1)
        self._sender.move(-1)


def _places(legend: Legend, at_ns: int) -> list[message.TruthEvent]:
    lines = {line.name: ((line.x1, line.y1), (line.x2, line.y2)) for line in legend.lines}
    zones = {zone.name: tuple((float(x), float(y)) for x, y in zone.points) for zone in legend.zones}
    return [
        message.TruthEvent(kind="defined", place=name, at_ns=at_ns, points=points)
        for name, points in (lines | zones).items()
    ]

"""A Kafka producer that does what a script says, and sources of a few tiny pictures."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from confluent_kafka import KafkaError, KafkaException

from producers.encoding import Grabbed
from producers.sources import Gap, Picture
from producers.truth import Legend
from sightline.vision.jpeg import ImageError


@dataclass(frozen=True)
class Stored:
    """The part of a delivered message that is looked at."""

    at: int

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return self.at


class FakeProducer:
    """Answers each `produce` by the next word of its script, and with "stored" after its end.

    Words: "stored", "full" (BufferError), "too_large" (refused at once), "timeout" and "broken" (fail later),
    "fatal" (refused for ever), "silent" (no answer until it is purged).
    """

    def __init__(self, script: Sequence[str] = ()) -> None:
        self._script = deque(script)
        self._lock = threading.Lock()
        self._answers: deque[tuple[Callable[..., None], KafkaError | None, Any]] = deque()
        self._silent: list[Callable[..., None]] = []
        self.stored: list[bytes] = []

    def produce(self, topic: str, value: bytes, key: bytes, *, on_delivery: Callable[..., None]) -> None:
        with self._lock:
            word = self._script.popleft() if self._script else "stored"
            if word == "full":
                raise BufferError("full")
            if word == "too_large":
                raise KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
            if word == "fatal":
                raise KafkaException(KafkaError(KafkaError._FATAL, "fenced", fatal=True))
            if word == "silent":
                self._silent.append(on_delivery)
            elif word == "stored":
                self.stored.append(value)
                self._answers.append((on_delivery, None, Stored(len(self.stored) - 1)))
            else:
                code = KafkaError._MSG_TIMED_OUT if word == "timeout" else KafkaError.UNKNOWN_TOPIC_OR_PART
                self._answers.append((on_delivery, KafkaError(code), None))

    def poll(self, timeout: float) -> int:
        time.sleep(min(timeout, 0.001))
        with self._lock:
            answers, self._answers = self._answers, deque()
        for on_delivery, error, message in answers:
            on_delivery(error, message)
        return len(answers)

    def purge(self, *, in_queue: bool, in_flight: bool) -> None:
        with self._lock:
            for on_delivery in self._silent:
                self._answers.append((on_delivery, KafkaError(KafkaError._PURGE_QUEUE), None))
            self._silent.clear()

    def flush(self, timeout: float) -> int:
        return 0


class FakeSource:
    """A source of `count` pictures, or without end where it is None."""

    fps, width, height = 30.0, 4, 2
    message = ""
    legend: Legend | None = None

    def __init__(
        self,
        count: int | None,
        *,
        live: bool = False,
        own_clock: bool = True,
        before: Callable[[int], None] = lambda index: None,
    ) -> None:
        self.live = live
        self.own_clock = own_clock
        self._count = count
        self._before = before
        self.closed = False

    def pictures(self, stop: threading.Event) -> Iterator[Picture | Gap]:
        index = 0
        while not stop.is_set() and (self._count is None or index < self._count):
            self._before(index)
            yield Picture(index, index * 33_000_000, np.zeros((2, 4, 3), dtype=np.uint8))
            index += 1
            if self.live and self._count is None:
                time.sleep(0.0005)  # an endless one would leave the other threads no time

    def close(self) -> None:
        self.closed = True


def encode_number(grabbed: Grabbed) -> bytes:
    return str(grabbed.seq).encode()


def encoder_that_fails(at: dict[int, Exception]) -> Callable[[Grabbed], bytes]:
    def encode(grabbed: Grabbed) -> bytes:
        if grabbed.seq in at:
            raise at[grabbed.seq]
        return encode_number(grabbed)

    return encode


def image_error() -> ImageError:
    return ImageError("cannot be encoded")

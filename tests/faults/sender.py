"""Sends the recorded load at its own pace, as gateways do, and loses nothing while the broker is away."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import KafkaError, Message, Producer

from tests.faults.recording import DETECTION_STREAMS, VIDEO_STREAMS, records

ALL_STREAMS = (*DETECTION_STREAMS, *VIDEO_STREAMS)


Place = tuple[str, int, int]
"""Topic, partition, offset."""


@dataclass(frozen=True)
class Odd:
    """A record that is not of the load; without a partition murmur2 of its key chooses one."""

    topic: str
    key: bytes
    value: bytes
    partition: int = -1


def publish(bootstrap: str, records: Iterable[Odd]) -> list[Place]:
    """Store single records, large ones too; returns where each lies."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "message.max.bytes": 64 << 20,
            "queue.buffering.max.kbytes": 1 << 20,
        }
    )
    places: dict[int, Place] = {}
    for number, record in enumerate(records):

        def stored(error: KafkaError | None, message: Message, number: int = number) -> None:
            assert error is None, f"record {number}: {error}"
            places[number] = (message.topic(), message.partition(), message.offset())

        producer.produce(record.topic, record.value, record.key, record.partition, on_delivery=stored)
    assert producer.flush(60) == 0
    return [place for _, place in sorted(places.items())]


class Sender:
    """Publishes frames first to last - 1 of the streams as `PREFIX-STREAM`.

    Args:
        bootstrap: The broker.
        prefix: Of the stream ids.
        streams: Which streams of the recording.
        first: First frame.
        last: The one after the last.
        frames_per_s: Of each stream; 0 sends as fast as it goes.
    """

    def __init__(
        self,
        bootstrap: str,
        prefix: str,
        streams: Iterable[str],
        last: int,
        *,
        first: int = 0,
        frames_per_s: float = 10.0,
    ) -> None:
        self.prefix = prefix
        self.streams = tuple(streams)
        self.last = last
        self.position = first
        self._first = first
        self._frames_per_s = frames_per_s
        self._failures: list[str] = []
        self._stopped = False
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "message.timeout.ms": 0,
                "linger.ms": 5,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the broker has it all."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Send no more than what has been begun."""
        self._stopped = True

    def check(self) -> None:
        """Fail if the broker refused a record."""
        assert self._failures == []

    def _run(self) -> None:
        sources = [records(s, f"{self.prefix}-{s}", self._first, self.last) for s in self.streams]
        waiting = [next(source, None) for source in sources]
        start_s = time.monotonic()
        for seq in range(self._first, self.last):
            if self._stopped:
                break
            if self._frames_per_s:
                due_s = start_s + (seq - self._first) / self._frames_per_s
                self._serve(max(0.0, due_s - time.monotonic()))
            for index, source in enumerate(sources):
                while (item := waiting[index]) is not None and item[0] <= seq:
                    record = item[1]
                    self._producer.produce(
                        record.topic, record.value, record.stream.encode(), on_delivery=self._answered
                    )
                    waiting[index] = next(source, None)
            self._producer.poll(0)
            self.position = seq + 1
        while self._producer.flush(1):
            pass

    def _serve(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            self._producer.poll(min(left_s, 0.05))

    def _answered(self, error: object, _: object) -> None:
        if error is not None:
            self._failures.append(str(error))

"""A consumer group of infer workers in one process: partitions, commits, producers, as a script or dice say.

What the fakes promise is what Kafka and librdkafka promise, and no more: a commit of an older generation is
refused, a producer stores in the order given, a partition is read from the commit on; and a call of `consume`
that serves a revocation may still return records of that partition.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from processors.infer.client import Analyzed, Labels
from processors.infer.outbox import Outbox
from processors.infer.worker import InferWorker, WorkerLimits
from schemas import topics
from schemas.detections import Detections
from schemas.frames import Frame
from sightline.status_book import StatusBook


def frame_bytes(partition: int, seq: int) -> bytes:
    """A frame of the one stream of a partition."""
    return Frame(
        stream_id=f"camera-{partition}",
        epoch=1,
        seq=seq,
        captured_at_ns=seq,
        trace=(("capture", seq),),
        width=640,
        height=360,
        jpeg=b"\xff\xd8" + f"{partition}/{seq}".encode(),
    ).to_bytes()


@dataclass
class Message:
    """A record of the frames topic as librdkafka hands it out; its offset is its frame's `seq`."""

    number: int
    place: int

    def error(self) -> None: ...

    def topic(self) -> str:
        return topics.FRAMES.name

    def partition(self) -> int:
        return self.number

    def offset(self) -> int:
        return self.place

    def key(self) -> bytes:
        return f"camera-{self.number}".encode()

    def value(self) -> bytes:
        return frame_bytes(self.number, self.place)


@dataclass
class Broker:
    """What is stored: detections by partition, as `seq`, in the topic's order; and the group's commits."""

    stored: dict[int, list[int]] = field(default_factory=dict)
    commits: dict[int, int] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)  # for these there is a dead letter instead

    def store(self, partition: int, seq: int) -> None:
        self.stored.setdefault(partition, []).append(seq)

    def commit(self, partition: int, offset: int) -> None:
        missing = set(range(offset)) - self.refused - set(self.stored.get(partition, ()))
        assert not missing, f"{offset} of partition {partition} is committed, {missing} are not stored"
        self.commits[partition] = offset

    def seen(self, partition: int) -> list[int]:
        """What a reader keeps that drops all that is not newer than the newest."""
        kept: list[int] = []
        for seq in self.stored.get(partition, ()):
            if not kept or seq > kept[-1]:
                kept.append(seq)
        return kept


Step = Callable[["Member"], Sequence[Message]]


class Member:
    """One worker with its fake clients. Each call of `consume` is one step of the script."""

    def __init__(self, broker: Broker, steps: Iterator[Step], answers: "Answers") -> None:
        self.broker = broker
        self.queue: deque[tuple[int, bytes, Any]] = deque()
        self.delivers = lambda: len(self.queue)  # how many a poll stores and reports
        self.letters: list[dict[str, bytes]] = []
        self.is_fenced = False
        self.on_close: Callable[[], None] = lambda: None
        self.stop = asyncio.Event()
        self._steps = steps
        self.worker = InferWorker(
            self,  # type: ignore[arg-type]  # consumer and producer in one
            Outbox(self),  # type: ignore[arg-type]
            answers,  # type: ignore[arg-type]
            Labels("v", ["car"]),
            WorkerLimits(
                frames_per_request=2, requests_in_flight=6, max_held_bytes=10**6, status_interval_s=10**6
            ),
            StatusBook("infer", "test"),
            clock_ns=lambda: 0,
        )

    # -- what the group does to it

    def assign(self, *partitions: int) -> None:
        self._assign(self, [TopicPartition(topics.FRAMES.name, p) for p in partitions])

    def revoke(self, *partitions: int) -> None:
        self._revoke(self, [TopicPartition(topics.FRAMES.name, p) for p in partitions])

    def lose(self, *partitions: int) -> None:
        self._lost(self, [TopicPartition(topics.FRAMES.name, p) for p in partitions])

    # -- the consumer

    def subscribe(self, names: list[str], *, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        assert names == [topics.FRAMES.name]
        self._assign, self._revoke, self._lost = on_assign, on_revoke, on_lost

    def consume(self, count: int, timeout: float) -> Sequence[Message]:
        step = next(self._steps, None)
        if step is None:
            self.stop.set()
            return ()
        return step(self)

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        if self.is_fenced:
            raise KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))
        for at in offsets:
            self.broker.commit(at.partition, at.offset)

    def pause(self, partitions: list[TopicPartition]) -> None: ...

    def resume(self, partitions: list[TopicPartition]) -> None: ...

    def close(self) -> None:
        self.on_close()

    # -- the producer

    def produce(
        self,
        topic: str,
        value: bytes,
        key: bytes,
        partition: int = -1,
        *,
        on_delivery: Any = None,
        headers: Any = (),
    ) -> None:
        if topic == topics.DETECTIONS.name:
            self.queue.append((partition, value, on_delivery))
        elif topic == topics.DEAD_LETTERS.name:
            self.letters.append(dict(headers))
            on_delivery(None, None)

    def poll(self, timeout: float) -> None:
        self._deliver(self.delivers())

    def __len__(self) -> int:
        return len(self.queue)

    def _deliver(self, count: int) -> None:
        for _ in range(min(count, len(self.queue))):
            partition, value, on_delivery = self.queue.popleft()
            self.broker.store(partition, Detections.from_bytes(value).seq)
            on_delivery(None, None)


class Answers:
    """Triton: answers a request when the script says so, or after some turns of the event loop."""

    def __init__(self, turns: Callable[[], int] | None = None) -> None:
        self.boxes = 0
        self._turns = turns
        self._waiting: list[asyncio.Future[None]] = []

    async def run(self, jpegs: Sequence[bytes]) -> list[Analyzed]:
        if self._turns is not None:
            for _ in range(self._turns()):
                await asyncio.sleep(0)
        else:
            self._waiting.append(asyncio.get_running_loop().create_future())
            await self._waiting[-1]
        boxes = np.zeros((self.boxes, 4), np.float32)
        looks = np.ones((self.boxes, 2048), np.float16)
        found = Analyzed(boxes, boxes[:, 0], boxes[:, 0].astype(np.uint16), 640, 360, embeddings=looks)
        return [found] * len(jpegs)

    def release(self, *requests: int) -> None:
        """Answer these requests, numbered in the order in which they came."""
        for number in requests:
            with suppress(asyncio.InvalidStateError):
                self._waiting[number].set_result(None)

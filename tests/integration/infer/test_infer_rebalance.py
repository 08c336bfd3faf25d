"""A partition that a real group takes away and gives back at once, while its frames are with Triton."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Consumer, TopicPartition

from processors.infer import worker
from processors.infer.client import Analyzed, Labels
from processors.infer.outbox import Outbox
from schemas import topics
from schemas.detections import Detections
from schemas.frames import Frame
from sightline.kafka_clients import INFER_GROUP, consumer, consumer_config, producer
from sightline.settings import KafkaSettings
from sightline.stack.kafka import LocalKafka
from sightline.status_book import StatusBook
from sightline.topic_admin import apply_topics

FRAMES = 8
WAIT_S = 60.0


class Watched(Consumer):
    """Says how often it was given partitions, and calls `on_revoked` when they have been taken away."""

    assignments = 0
    on_revoked: Callable[[], None] = staticmethod(lambda: None)

    def subscribe(self, names: list[str], *, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        def assigned(client: Consumer, partitions: list[TopicPartition]) -> None:
            on_assign(client, partitions)
            self.assignments += 1

        def revoked(client: Consumer, partitions: list[TopicPartition]) -> None:
            on_revoke(client, partitions)
            self.on_revoked()

        super().subscribe(names, on_assign=assigned, on_revoke=revoked, on_lost=on_lost)


class Triton:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.frames: list[list[int]] = []
        self._held: list[asyncio.Future[None]] = []

    async def run(self, jpegs: Sequence[bytes]) -> list[Analyzed]:
        self.frames.append([int(jpeg[2:]) for jpeg in jpegs])
        self._held.append(asyncio.get_running_loop().create_future())
        await self._held[-1]
        none = np.zeros((0, 4), np.float32)
        return [Analyzed(none, np.zeros(0, np.float32), np.zeros(0, np.uint16), 640, 360) for _ in jpegs]

    def answer(self, requests: slice) -> None:
        for held in self._held[requests]:
            if not held.done():
                held.set_result(None)

    def asked(self, since: int = 0) -> list[int]:
        """The frames of the requests from this one on."""
        return [seq for frames in self.frames[since:] for seq in frames]


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await asyncio.sleep(0.01)


def stored(bootstrap: str) -> list[int]:
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False})
    place = TopicPartition(topics.DETECTIONS.name, 0, 0)
    end = reader.get_watermark_offsets(place, timeout=10)[1]
    reader.assign([place])
    found = []
    while len(found) < end:
        message = reader.poll(10)
        assert message is not None
        assert message.error() is None
        found.append(Detections.from_bytes(message.value()).seq)
    reader.close()
    return found


def test_frames_that_were_with_triton_when_their_partition_went_and_came_back_keep_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "STUCK_S", WAIT_S)  # a worker that has stopped reading reads nothing twice
    with LocalKafka(tmp_path / "kafka") as kafka:
        settings = KafkaSettings(bootstrap=kafka.bootstrap, partitions=1)
        apply_topics(settings)
        asyncio.run(take_and_give_back(settings))
        found = stored(kafka.bootstrap)
    newest = -1
    for seq in found:
        assert seq <= newest + 1, f"{seq} after {newest} in {found}"
        newest = max(newest, seq)
    assert newest == FRAMES - 1


async def take_and_give_back(settings: KafkaSettings) -> None:
    frames = producer(settings, client_id="test")
    for seq in range(FRAMES):
        frame = Frame(
            stream_id="gate",
            epoch=1,
            seq=seq,
            captured_at_ns=seq,
            trace=(("capture", seq),),
            width=640,
            height=360,
            jpeg=b"\xff\xd8%d" % seq,
        )
        frames.produce(topics.FRAMES.name, frame.to_bytes(), b"gate")
    assert frames.flush(30) == 0
    # By range the only partition goes to the member whose id, which begins with the client's, comes first.
    member = Watched(consumer_config(settings, client_id="a", group=INFER_GROUP))
    triton, stop = Triton(), asyncio.Event()
    tried = worker.InferWorker(
        member,
        Outbox(producer(settings, client_id="a", gapless=True)),
        triton,  # type: ignore[arg-type]  # in the place of one that asks a real one
        Labels("v", ["car"]),
        worker.WorkerLimits(
            frames_per_request=2, requests_in_flight=20, max_held_bytes=10**9, status_interval_s=1
        ),
        StatusBook("infer", "a"),
        clock_ns=lambda: 0,
    )
    working = asyncio.ensure_future(tried.run(stop))
    await until(lambda: triton.asked() == list(range(FRAMES)))
    before = len(triton.frames)
    # What is answered while the partition is away is not published, and what is answered later must not be.
    member.on_revoked = lambda: triton.answer(slice(before // 2))
    other = consumer(settings, client_id="z", group=INFER_GROUP)
    other.subscribe([topics.FRAMES.name])

    def given_back() -> bool:
        other.poll(0)
        return member.assignments == 2 and triton.asked(before) == list(range(FRAMES))

    await until(given_back)
    triton.answer(slice(before))
    await asyncio.sleep(0.2)
    triton.answer(slice(before, None))
    stop.set()
    await asyncio.wait_for(working, WAIT_S)
    other.close()

"""The infer worker: reads frames, keeps a few requests to Triton under way, publishes answers in order.

One thread, one loop. Batches leave in the order in which they came, so a stream's detections are in the
order of its frames. A record is committed when its detections, or its dead letter, are stored by the
broker, and all records before it are. A worker that dies, or loses a partition, leaves the rest to the
next one: what is then analysed twice has the same `(epoch, seq)` and is dropped downstream.

Downstream drops every frame that is not newer than the newest it has seen, so no frame may be stored before
the one that comes before it in its stream. Each worker sees to that for itself, and then it holds for any
number of them at once, also where one is late and does not know yet that it has lost its partitions:

- it begins behind the group's commit, so all that comes before is stored;
- from there it publishes every record of the assignment in order and, when that ends, no more of it. What it
  reads in the next assignment begins behind the commit again;
- its producer stores what it is given in that order and leaves out nothing before something that it stores.

So nothing has to be waited for, and nothing called back, when a partition goes: what is still on its way to
the broker then only repeats what the next owner sends, or comes before it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from processors.infer.analysis import FrameAnalysis, Unusable
from processors.infer.client import Analyzed, Labels
from processors.infer.ledger import Claim, OffsetLedger
from processors.infer.outbox import Outbox
from processors.infer.records import InputRecord, decode_frame, detections_of, refuse_frame
from schemas import topics
from schemas.dead_letters import DeadLetter
from schemas.frames import Frame
from sightline.errors import SightlineError
from sightline.kafka_clients import is_final, member_refused
from sightline.status_book import StatusBook

log = logging.getLogger(__name__)

UNREADABLE = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED)

IDLE_S = 0.002
"""How long to sleep when nothing is ready: bounds the delay that polling adds."""

MAX_DETECTIONS_BYTES = topics.DETECTIONS.max_message_bytes - 4096
"""What a broker takes whatever the codec makes of it. It would refuse more, and that stops the outbox."""

COMMIT_INTERVAL_S = 0.5
STUCK_S = 1.0
STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class WorkerLimits:
    """How much a worker takes on at once.

    Attributes:
        frames_per_request: Most frames in one request to Triton.
        requests_in_flight: Most requests under way.
        max_held_bytes: Stop reading while the frames under way hold more than this.
        status_interval_s: How often each stream is reported.
    """

    frames_per_request: int
    requests_in_flight: int
    max_held_bytes: int
    status_interval_s: float


_Entry = tuple[Claim, InputRecord, Frame | DeadLetter]


@dataclass(frozen=True)
class _Batch:
    entries: list[_Entry]
    answers: "asyncio.Task[list[Analyzed | Unusable]]"
    held_bytes: int


class InferWorker:
    """One member of the infer group; `run` returns once `stop` is set and what was under way is committed."""

    def __init__(
        self,
        consumer: Consumer,
        outbox: Outbox,
        analysis: FrameAnalysis,
        labels: Labels,
        limits: WorkerLimits,
        status: StatusBook,
        clock_ns: Callable[[], int],
    ) -> None:
        self._consumer = consumer
        self._outbox = outbox
        self._analysis = analysis
        self._labels = labels
        self._limits = limits
        self._status = status
        self._clock_ns = clock_ns
        self._ledger = OffsetLedger()
        self._under_way: deque[_Batch] = deque()
        self._paused = False

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop.

        Raises:
            SightlineError: The broker refused what we sent, the topic is missing, or the group has another
                member of our name.
        """
        self._consumer.subscribe(
            [topics.FRAMES.name],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )
        loop = asyncio.get_running_loop()
        next_commit = next_status = loop.time()
        last_progress = loop.time()
        try:
            while not stop.is_set():
                now = loop.time()
                busy = self._read() | await self._publish_ready()
                self._outbox.poll()
                last_progress = now if busy or not self._under_way else last_progress
                self._pause_reading(stuck=now - last_progress > STUCK_S)
                if now >= next_commit:
                    self._commit(asynchronous=True)
                    next_commit = now + COMMIT_INTERVAL_S
                if now >= next_status:
                    self._outbox.send_statuses(self._status.report(self._clock_ns()))
                    next_status = now + self._limits.status_interval_s
                if not busy:
                    await self._wait_a_little()
                else:
                    await asyncio.sleep(0)
            await self._drain()
        finally:
            for batch in self._under_way:
                batch.answers.cancel()
            self._consumer.close()

    def _read(self) -> bool:
        held = sum(batch.held_bytes for batch in self._under_way)
        full = len(self._under_way) >= self._limits.requests_in_flight or held >= self._limits.max_held_bytes
        if full and not self._paused:
            return False
        # With every partition paused no record comes, but the call keeps the membership and brings errors.
        messages = self._consumer.consume(1 if full else self._limits.frames_per_request, timeout=0)
        entries = [entry for message in messages if (entry := self._entry(message))]
        if not entries:
            return False
        jpegs = [frame.jpeg for _, _, frame in entries if isinstance(frame, Frame)]
        answers = asyncio.ensure_future(self._analyze(jpegs))
        self._under_way.append(_Batch(entries, answers, sum(len(jpeg) for jpeg in jpegs)))
        return True

    def _entry(self, message: "Message[bytes, bytes]") -> _Entry | None:
        record = self._record(message)
        if record is None:
            return None
        # None where the call that brought the record has also taken its partition away.
        claim = self._ledger.read(record.partition, record.offset)
        return None if claim is None else (claim, record, decode_frame(record, self._clock_ns()))

    async def _analyze(self, jpegs: list[bytes]) -> list[Analyzed | Unusable]:
        return await self._analysis.run(jpegs) if jpegs else []

    def _record(self, message: "Message[bytes, bytes]") -> InputRecord | None:
        error = message.error()
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if error is None and topic is not None and partition is not None and offset is not None:
            return InputRecord(topic, partition, offset, message.key(), message.value() or b"")
        if error is not None and error.code() in UNREADABLE:
            raise SightlineError(
                f"The topic {topics.FRAMES.name} cannot be read: {error.str()}.",
                "Run `sightline topics apply`.",
            )
        if error is not None and is_final(error):
            raise self._refused(error)
        log.warning("broker: %s", error.str() if error else "a record without a place")
        return None

    def _refused(self, error: KafkaError) -> SightlineError:
        return member_refused(error, "infer worker", "infer.instance_id")

    async def _publish_ready(self) -> bool:
        published = False
        while self._under_way and self._under_way[0].answers.done():
            batch = self._under_way.popleft()
            answers = iter(batch.answers.result())
            for claim, record, frame in batch.entries:
                answer = next(answers) if isinstance(frame, Frame) else None
                if self._ledger.holds(claim):
                    await self._publish(claim, record, frame, answer)
            published = True
        return published

    async def _publish(
        self,
        claim: Claim,
        record: InputRecord,
        frame: Frame | DeadLetter,
        answer: Analyzed | Unusable | None,
    ) -> None:
        now_ns = self._clock_ns()
        # The partition is the input's: all stream topics are co-partitioned.
        send = partial(self._outbox.send, partition=record.partition, key=record.key)
        stored = partial(self._ledger.finish, claim)
        if isinstance(frame, Frame) and isinstance(answer, Analyzed):
            detections = detections_of(frame, answer, self._labels, now_ns)
            value = detections.to_bytes()
            if len(value) <= MAX_DETECTIONS_BYTES:
                self._status.count(frame.stream_id, frame.epoch, frames=1, detections=len(detections.scores))
                await send(topics.DETECTIONS.name, value=value, headers=[], on_stored=stored)
                return
            answer = Unusable(f"its detections take {len(value)} bytes, over {MAX_DETECTIONS_BYTES}")
        if isinstance(frame, Frame):
            assert isinstance(answer, Unusable)
            frame = refuse_frame(record, answer.reason, now_ns)
        log.warning("%s[%d]@%d: %s", record.topic, record.partition, record.offset, frame.reason)
        self._status.count(frame.stream_id, frame.epoch or 0, dead_letters=1)
        await send(topics.DEAD_LETTERS.name, value=frame.value, headers=frame.headers(), on_stored=stored)

    def _pause_reading(self, *, stuck: bool) -> None:
        if stuck and not self._paused:
            self._consumer.pause([TopicPartition(topics.FRAMES.name, p) for p in self._ledger.partitions])
            self._paused = True
        elif self._paused and not stuck:
            self._consumer.resume([TopicPartition(topics.FRAMES.name, p) for p in self._ledger.partitions])
            self._paused = False

    async def _wait_a_little(self) -> None:
        if self._under_way:
            await asyncio.wait([self._under_way[0].answers], timeout=IDLE_S)
        else:
            await asyncio.sleep(IDLE_S)

    def _commit(self, *, asynchronous: bool) -> None:
        offsets = [
            TopicPartition(topics.FRAMES.name, partition, offset)
            for partition, offset in self._ledger.take_committable().items()
        ]
        if not offsets:
            return
        try:
            if asynchronous:
                self._consumer.commit(offsets=offsets, asynchronous=True)
            else:
                self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            if is_final(error.args[0]):
                raise self._refused(error.args[0]) from error
            # What is not committed is analysed again; the repeats are dropped downstream.
            log.warning("commit refused: %s", error)

    async def _drain(self) -> None:
        deadline = asyncio.get_running_loop().time() + STOP_TIMEOUT_S
        while self._under_way and asyncio.get_running_loop().time() < deadline:
            await self._publish_ready()
            self._outbox.poll()
            await self._wait_a_little()
        self._outbox.send_statuses(self._status.report(self._clock_ns()))
        self._outbox.flush(max(0.1, deadline - asyncio.get_running_loop().time()))
        self._commit(asynchronous=False)

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        for p in partitions:
            self._ledger.assign(p.partition)
        if self._paused:
            self._consumer.pause(partitions)

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._commit(asynchronous=False)
        self._drop(partitions)

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        log.warning("the group gave %d partitions to others while we were silent", len(partitions))
        self._drop(partitions)

    def _drop(self, partitions: list[TopicPartition]) -> None:
        for p in partitions:
            self._ledger.drop(p.partition)

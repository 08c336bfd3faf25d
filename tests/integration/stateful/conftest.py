"""Topics, input, workers and a reader of its own for the driver's tests."""

import json
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import chain_stage
import pytest
from chain_stage import ChainStage
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from sightline.stack.kafka import LocalKafka

WORKER = Path(__file__).with_name("chain_worker.py")
PARTITIONS = 4
Streams = dict[bytes, list[bytes]]


@dataclass
class Bench:
    """One stage with topics of its own on the shared broker."""

    bootstrap: str
    folder: Path
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.input, self.output, self.dead_letters = (f"{what}-{self.name}" for what in ("in", "out", "dead"))
        self.group = f"group-{self.name}"
        self.stage = ChainStage(self.input, self.output)
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        topics = [NewTopic(topic, PARTITIONS, 1) for topic in (self.input, self.output, self.dead_letters)]
        for made in admin.create_topics(topics).values():
            made.result(30)
        self.watcher = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group})
        for topic in topics:
            wait_until(lambda name=topic.topic: self.answers(name), 30, f"leaders of {topic.topic}")
        self.producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,  # else a retry may reorder a stream
                "linger.ms": 5,
            }
        )

    def answers(self, topic: str) -> bool:
        """Whether every partition of a topic that was just made has its leader."""
        try:
            return self.count(topic) == 0
        except KafkaException:
            return False

    def produce(self, key: bytes, epoch: int, seq: int, payload: bytes = b"") -> None:
        self.producer.produce(self.input, chain_stage.message(epoch, seq, payload), key)
        self.producer.poll(0)

    def start(self, **options: object) -> subprocess.Popen[bytes]:
        """Start a worker with further fields of `DriverConfig`, or the script's own options."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        merged = {
            "bootstrap": self.bootstrap,
            "group": self.group,
            "dead_letter_topic": self.dead_letters,
            "input": self.input,
            "output": self.output,
            "session_timeout_s": 6.0,
            "snapshot_interval_s": 0.3,
        } | options
        with log.open("wb") as stream:
            worker = subprocess.Popen([sys.executable, str(WORKER), json.dumps(merged)], stderr=stream)
        self.workers.append(worker)
        return worker

    def log(self, worker: subprocess.Popen[bytes]) -> str:
        return (self.folder / f"worker-{self.workers.index(worker)}.log").read_text()

    def end(self) -> None:
        self.watcher.close()
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()

    def read(self, topic: str) -> list[Message]:
        """All records that the topic holds now, partition by partition."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": uuid.uuid4().hex})
        starts, left = [], {}
        for number in range(PARTITIONS):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
            starts.append(TopicPartition(topic, number, low))
            left[number] = high - low
        consumer.assign(starts)
        found: list[Message] = []
        while sum(left.values()):
            for record in consumer.consume(min(1000, sum(left.values())), timeout=5):
                assert record.error() is None
                found.append(record)
                left[record.partition()] -= 1
        consumer.close()
        return found

    def count(self, topic: str) -> int:
        marks = [
            self.watcher.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
            for number in range(PARTITIONS)
        ]
        return sum(high - low for low, high in marks)

    def lag(self) -> int:
        """Input records that the group has not committed."""
        parts = [TopicPartition(self.input, number) for number in range(PARTITIONS)]
        lag = 0
        for part in self.watcher.committed(parts, timeout=30):
            low, high = self.watcher.get_watermark_offsets(part, timeout=30)
            lag += high - max(part.offset, low)
        return lag

    def outputs(self) -> Streams:
        """What a reader sees that drops whatever is not newer than the last (epoch, seq) of a stream."""
        streams: Streams = {}
        newest: dict[bytes, tuple[int, int]] = {}
        for record in self.read(self.output):
            key, value = record.key() or b"", record.value() or b""
            state = self.stage.decode_state(value)
            if (state.epoch, state.seq) > newest.get(key, (-1, -1)):
                newest[key] = state.epoch, state.seq
                streams.setdefault(key, []).append(value)
        return streams

    def expected(self) -> Streams:
        """What an undisturbed run over the input gives."""
        streams: Streams = {}
        states: dict[bytes, chain_stage.Chain] = {}
        for record in self.read(self.input):
            key, value = record.key() or b"", record.value() or b""
            if value[:4] != b"chn1":
                continue
            link = self.stage.decode(key, value)
            state = states.get(key)
            if state is not None and self.stage.order(link) <= (state.epoch, state.seq):
                continue
            states[key], outputs = self.stage.step(state, link)
            streams.setdefault(key, []).extend(output.value for output in outputs)
        return streams

    def wait_done(self, timeout_s: float = 60) -> None:
        """Until the group has committed all of the input."""
        self.producer.flush(30)
        wait_until(lambda: self.lag() == 0, timeout_s, "all input to be committed")


def wait_until(done: Callable[[], bool], timeout_s: float, what: str) -> None:
    until = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > until:
            pytest.fail(f"waited {timeout_s} s for {what}")
        time.sleep(0.1)


@contextmanager
def load(bench: Bench, keys: int, per_second: float) -> Iterator[Callable[[], int]]:
    """Produce in the background to all keys in turn; repeats and a new epoch now and then are part of it."""
    script = Path(__file__).with_name("chain_load.py")
    options = {"bootstrap": bench.bootstrap, "topic": bench.input, "keys": keys, "per_second": per_second}
    process = subprocess.Popen([sys.executable, str(script), json.dumps(options)])
    try:
        yield lambda: process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.fixture
def bench(kafka: LocalKafka, tmp_path: Path) -> Iterator[Bench]:
    """A stage with topics of its own; workers that are left are ended."""
    bench = Bench(kafka.bootstrap, tmp_path)
    try:
        yield bench
    finally:
        bench.end()


@pytest.fixture
def rng() -> random.Random:
    return random.Random(20261122)

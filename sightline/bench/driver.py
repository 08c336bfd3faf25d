"""`sightline bench driver`: the stateful driver against a plain Faust agent, in one run on one broker.

Both do the same: read 1 KB records of 100 keys from 8 partitions and publish one record for each, under the
same key to the same partition. Each runs as a process of its own (`python -m sightline.bench.driver_worker`),
so that its CPU time is its own.
"""

import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import psutil
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stub re-exports by plain import
    AdminClient,
    NewTopic,
)

from sightline.bench.driver_worker import STAMP
from sightline.errors import SightlineError

_WORKERS = ("driver", "faust")
_TIMEOUT_S = 120.0


@dataclass(frozen=True, kw_only=True)
class DriverBench:
    """What is measured.

    Attributes:
        events: Records in the throughput part, of each worker.
        value_bytes: Size of a record.
        keys: Streams.
        partitions: Partitions of each topic.
        rate: Records per second in the latency part.
        latency_s: How long that part runs; its first two seconds are not counted.
    """

    events: int = 40_000
    value_bytes: int = 1024
    keys: int = 100
    partitions: int = 8
    rate: int = 1_000
    latency_s: float = 10.0


def bench_driver(kafka_bootstrap: str, settings: DriverBench | None = None) -> dict[str, Any]:
    """Measure both workers one after the other.

    Args:
        kafka_bootstrap: A broker, `host:port`. Topics are made there and deleted afterwards.
        settings: What to measure.

    Returns:
        JSON-able: `driver` and `faust` with `events_per_s`, `cpu_us_per_event` and `latency_ms` (`p50`,
        `p99`, `max` from the record's time stamp to the output's storage by the broker), `ratio` of the
        events per second, and `settings`.

    Raises:
        SightlineError: A worker did not finish in time.
    """
    settings = settings or DriverBench()
    results: dict[str, Any] = {
        worker: {
            **_throughput(kafka_bootstrap, worker, settings),
            "latency_ms": _latency(kafka_bootstrap, worker, settings),
        }
        for worker in _WORKERS
    }
    ratio = results["driver"]["events_per_s"] / results["faust"]["events_per_s"]
    return {**results, "ratio": round(ratio, 2), "settings": asdict(settings)}


def _throughput(bootstrap: str, worker: str, settings: DriverBench) -> dict[str, float]:
    with _topics(bootstrap, settings.partitions) as names:
        _fill(bootstrap, names[0], settings)
        with _running(bootstrap, worker, names) as process:
            stamps = sorted(
                map(_stored_ms, _collect(bootstrap, names[1], settings, settings.events, process))
            )
            times = process.cpu_times()
    seconds = (stamps[-1] - stamps[0]) / 1000
    return {
        "events_per_s": round(settings.events / max(seconds, 0.001)),
        "cpu_us_per_event": round((times.user + times.system) / settings.events * 1e6, 1),
    }


def _latency(bootstrap: str, worker: str, settings: DriverBench) -> dict[str, float]:
    with _topics(bootstrap, settings.partitions) as names, _running(bootstrap, worker, names) as process:
        _feed(bootstrap, names[0], settings, 1)  # the worker has joined when this one comes out
        _collect(bootstrap, names[1], settings, 1, process)
        count = int(settings.rate * settings.latency_s)
        _feed(bootstrap, names[0], settings, count)
        delays = _delays(_collect(bootstrap, names[1], settings, count + 1, process))
    delays = sorted(delays[1 + 2 * settings.rate :])
    return {
        "p50": delays[len(delays) // 2],
        "p99": delays[int(len(delays) * 0.99)],
        "max": delays[-1],
    }


@contextmanager
def _topics(bootstrap: str, partitions: int) -> Iterator[tuple[str, str, str]]:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    run = uuid.uuid4().hex[:8]
    names = (f"bench-in-{run}", f"bench-out-{run}", f"bench-dead-{run}")
    stamped = {"message.timestamp.type": "LogAppendTime"}  # the broker's clock at the moment of storage
    topics = [NewTopic(name, partitions, 1, config=stamped if name == names[1] else {}) for name in names]
    for made in admin.create_topics(topics).values():
        made.result(30)
    try:
        yield names
    finally:
        for deleted in admin.delete_topics(list(names)).values():
            deleted.result(30)


@contextmanager
def _running(bootstrap: str, worker: str, names: tuple[str, str, str]) -> Iterator[psutil.Process]:
    options = json.dumps({"bootstrap": bootstrap, "worker": worker, "names": names})
    command = [sys.executable, "-m", "sightline.bench.driver_worker", options]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _producer(bootstrap: str) -> Producer:
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "linger.ms": 1,
        }
    )


def _value(settings: DriverBench) -> bytes:
    return STAMP.pack(time.time_ns()) + bytes(settings.value_bytes - STAMP.size)


def _fill(bootstrap: str, topic: str, settings: DriverBench) -> None:
    producer = _producer(bootstrap)
    for number in range(settings.events):
        producer.produce(topic, _value(settings), b"cam-%d" % (number % settings.keys))
        if number % 1000 == 0:
            producer.poll(0)
    producer.flush(60)


def _feed(bootstrap: str, topic: str, settings: DriverBench, count: int) -> None:
    producer = _producer(bootstrap)
    started, sent = time.monotonic(), 0
    while sent < count:
        due = min(count, int((time.monotonic() - started) * settings.rate) + 1)
        for number in range(sent, due):
            producer.produce(topic, _value(settings), b"cam-%d" % (number % settings.keys))
        sent = due
        producer.poll(0)
        time.sleep(0.001)
    producer.flush(60)


def _collect(
    bootstrap: str, topic: str, settings: DriverBench, count: int, process: psutil.Process
) -> list[Message]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex})
    consumer.assign([TopicPartition(topic, number, 0) for number in range(settings.partitions)])
    found: list[Message] = []
    until = time.monotonic() + _TIMEOUT_S
    while len(found) < count:
        if time.monotonic() > until or process.status() == psutil.STATUS_ZOMBIE:
            raise SightlineError(
                f"The worker wrote {len(found)} of {count} records in {_TIMEOUT_S:.0f} s, or has ended.",
                "Run `python -m sightline.bench.driver_worker` by hand to see its log.",
            )
        found += [record for record in consumer.consume(1000, timeout=0.2) if record.error() is None]
    consumer.close()
    return found


def _delays(outputs: list[Message]) -> list[float]:
    """Milliseconds from each input's stamp to the storage of its output, in order of the input."""
    pairs = sorted((STAMP.unpack_from(each.value() or b"")[0] / 1e6, _stored_ms(each)) for each in outputs)
    return [round(stored - sent, 1) for sent, stored in pairs]


def _stored_ms(record: Message) -> int:
    milliseconds: int = record.timestamp()[1]
    return milliseconds

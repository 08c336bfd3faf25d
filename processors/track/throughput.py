"""`sightline bench track`: stored detections of many streams through track workers on a broker of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from confluent_kafka import ConsumerGroupState, TopicPartition

from schemas import topics
from schemas.detections import Detections
from sightline import kafka_clients
from sightline.errors import SightlineError
from sightline.settings import Settings
from sightline.settings_sources import environment_of
from sightline.stack.kafka import KafkaOptions, LocalKafka
from sightline.topic_admin import apply_topics

WORKERS: Final = (1, 2)
WARM_UP_FRAMES: Final = 15  # of each stream, not counted
TIMEOUT_S: Final = 180.0
SCENES: Final = 10  # different streams; the others repeat them under names of their own
FRAME_NS: Final = 33_333_333
WIDTH_PX, HEIGHT_PX = 1280, 720


@dataclass(frozen=True, kw_only=True)
class Load:
    """What the workers get.

    Attributes:
        streams: How many streams.
        frames: Frames of each that are counted, at 30 frames/s.
        objects: Objects in each picture.
        embedding: Width of the detections' looks, 0 for none.
    """

    streams: int = 100
    frames: int = 300
    objects: int = 6
    embedding: int = 0


def bench_track(settings: Settings, load: Load) -> dict[str, Any]:
    """Measure one worker, then two, each time on a new broker.

    Returns:
        JSON-able. Per number of workers `frames_per_s`, `frames`, and `cpu_us_per_frame`: what a worker
        spends on `decode`, `step`, `encode`, `snapshot`, `driver` (the rest of its main thread: the driver,
        Faust, asyncio, the producing client), `fetch` (its other threads: the consuming client) and `total`.
        `driver_share` is the part of the total that is neither of the first four. And `load`.

    Raises:
        SightlineError: The workers did not finish in time.
    """
    results = {f"workers_{count}": _measure(settings, load, count) for count in WORKERS}
    return {**results, "cpus": os.cpu_count(), "load": asdict(load)}


def scene(seed: int, load: Load) -> list[Detections]:
    """One stream's frames, warm-up included: objects that cross the picture, noise, misses, false boxes."""
    rng = np.random.default_rng(seed)
    count = load.objects
    place = rng.uniform((100, 100), (WIDTH_PX - 100, HEIGHT_PX - 100), (count, 2))
    speed, height = rng.normal(0, 3, (count, 2)), rng.uniform(40, 120, (count, 1))
    half = np.concatenate([0.2 * height, 0.5 * height], axis=1)
    looks = rng.normal(size=(count, load.embedding))
    kinds = rng.integers(0, 2, count).astype(np.uint16)
    frames = []
    for seq in range(WARM_UP_FRAMES + load.frames):
        place = place + speed
        outside = (place < 0) | (place > (WIDTH_PX, HEIGHT_PX))
        speed = np.where(outside, -speed, speed)
        seen = (rng.random(count) < 0.92).nonzero()[0]
        centre = place[seen] + rng.normal(0, 0.02, (len(seen), 2)) * height[seen]
        false = rng.uniform(0, 600, (int(rng.random() < 0.1), 2))
        boxes = np.concatenate(
            [np.c_[centre - half[seen], centre + half[seen]], np.c_[false, false + np.array([30, 60])]]
        )
        scores = rng.uniform(0.5, 0.95, len(boxes))
        scores[len(seen) :] *= 0.5
        found = np.concatenate([looks[seen], rng.normal(size=(len(false), load.embedding))])
        found = found + rng.normal(0, 0.3, found.shape)
        frames.append(
            Detections(
                stream_id="bench",
                epoch=1,
                seq=seq,
                captured_at_ns=seq * FRAME_NS,
                width=WIDTH_PX,
                height=HEIGHT_PX,
                boxes=boxes.astype(np.float32),
                scores=scores.astype(np.float32),
                class_ids=np.concatenate([kinds[seen], np.zeros(len(false), np.uint16)]),
                labels="bench",
                names={0: "person", 1: "car"},
                embeddings=found.astype(np.float16) if load.embedding else None,
            )
        )
    return frames


def _measure(settings: Settings, load: Load, workers: int) -> dict[str, Any]:
    with _broker(settings) as own:
        processes = [_start(own, number) for number in range(workers)]
        try:
            _await_members(own, workers)
            scenes = [scene(seed, load) for seed in range(min(SCENES, load.streams))]
            _publish(own, load, [frames[:WARM_UP_FRAMES] for frames in scenes])
            _outputs_ms(own, load.streams * WARM_UP_FRAMES, processes)
            _publish(own, load, [frames[WARM_UP_FRAMES:] for frames in scenes])
            stored_ms = _outputs_ms(own, load.streams * (WARM_UP_FRAMES + load.frames), processes)
            counted = sorted(stored_ms)[load.streams * WARM_UP_FRAMES :]
        finally:
            spent = [_stop(process) for process in processes]
    seconds = max(counted[-1] - counted[0], 1) / 1000
    return {
        "frames_per_s": round(len(counted) / seconds),
        "frames": len(counted),
        **_split({name: sum(each[name] for each in spent) for name in spent[0]}),
    }


def _split(spent: dict[str, float]) -> dict[str, Any]:
    us = {name[:-2]: value / spent["frames"] * 1e6 for name, value in spent.items() if name != "frames"}
    main, total = us.pop("main"), us.pop("total")
    stage = sum(us.values())
    parts = us | {"driver": main - stage, "fetch": total - main, "total": total}
    return {
        "cpu_us_per_frame": {name: round(value, 1) for name, value in parts.items()},
        "driver_share": round((total - stage) / total, 3),
    }


@contextmanager
def _broker(settings: Settings) -> Iterator[Settings]:
    options = KafkaOptions(home=settings.kafka.home, java=settings.kafka.java, cache=settings.cache.dir)
    with (
        tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder,
        LocalKafka(Path(folder), options) as kafka,
    ):
        own = settings.model_copy(
            update={"kafka": settings.kafka.model_copy(update={"bootstrap": kafka.bootstrap})}
        )
        apply_topics(own.kafka)
        yield own


def _start(settings: Settings, number: int) -> subprocess.Popen[str]:
    cpus = sorted(os.sched_getaffinity(0))
    module = "processors.track.throughput_worker"
    return subprocess.Popen(
        [sys.executable, "-m", module, str(cpus[number % len(cpus)]), str(WARM_UP_FRAMES)],
        env=dict(os.environ) | environment_of(settings),
        stdout=subprocess.PIPE,
        text=True,
    )


def _stop(process: subprocess.Popen[str]) -> dict[str, float]:
    process.send_signal(signal.SIGTERM)
    try:
        output, _ = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    if process.returncode != 0:
        raise SightlineError(f"A track worker ended with exit code {process.returncode}.")
    spent: dict[str, float] = json.loads(output)
    return spent


def _await_members(settings: Settings, count: int) -> None:
    group, until = kafka_clients.TRACK_GROUP, time.monotonic() + TIMEOUT_S
    client = kafka_clients.admin(settings.kafka)
    while time.monotonic() < until:
        found = client.describe_consumer_groups([group])[group].result(30)
        if found.state == ConsumerGroupState.STABLE and len(found.members) == count:
            return
        time.sleep(0.2)
    raise SightlineError(f"{count} track workers did not join within {TIMEOUT_S:.0f} s.")


def _publish(settings: Settings, load: Load, scenes: Sequence[Sequence[Detections]]) -> None:
    producer = kafka_clients.producer(settings.kafka, client_id="sightline-bench", compression="lz4")
    for frame in range(len(scenes[0])):
        for number in range(load.streams):
            message = replace(scenes[number % len(scenes)][frame], stream_id=f"bench-{number:05d}")
            producer.produce(topics.DETECTIONS.name, message.to_bytes(), message.stream_id.encode())
        producer.poll(0)
    producer.flush(60)


def _outputs_ms(settings: Settings, count: int, processes: Sequence[subprocess.Popen[str]]) -> list[int]:
    """When each of `count` frames of tracks was written, Unix milliseconds; waits until all are there."""
    consumer = kafka_clients.consumer(settings.kafka, client_id="sightline-bench", group="sightline-bench")
    consumer.assign(
        [TopicPartition(topics.TRACKS.name, number, 0) for number in range(settings.kafka.partitions)]
    )
    found: list[int] = []
    until = time.monotonic() + TIMEOUT_S
    while len(found) < count:
        if time.monotonic() > until or any(process.poll() is not None for process in processes):
            raise SightlineError(
                f"The track workers wrote {len(found)} of {count} frames in {TIMEOUT_S:.0f} s, or have ended."
            )
        found += [each.timestamp()[1] for each in consumer.consume(1000, timeout=0.2) if each.error() is None]
    consumer.close()
    return found

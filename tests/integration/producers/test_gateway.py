"""A gateway on a real broker: frames arrive whole, in order and where they belong, whatever is broken off."""

import json
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # public, though not in its __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from producers.gateway import run_gateway
from producers.sources import Image
from schemas.detections import Detections
from schemas.frames import Frame
from schemas.streams import StreamStatus
from schemas.topics import DETECTIONS, FRAMES, TRUTH
from schemas.truth import Truth
from sightline.ending import SUPERSEDED_EXIT
from sightline.errors import SightlineError
from sightline.kafka_clients import INFER_GROUP
from sightline.settings import GatewaySettings, KafkaSettings, Settings, StatusSettings, StreamSettings
from sightline.stack.kafka import LocalKafka
from sightline.topic_admin import apply_topics, largest_records
from sightline.vision.detector import Detected
from sightline.vision.heads import Head
from sightline.vision.jpeg import decode_jpeg
from sightline.vision.model import MEGVII, ModelSpec
from tests.integration.producers.reading import last_status, murmur2, read_stream, wait_until


def settings_for(kafka: LocalKafka, **gateway: object) -> Settings:
    settings = Settings(
        kafka=KafkaSettings(bootstrap=kafka.bootstrap),
        gateway=GatewaySettings.model_validate({"read_ahead_frames": 0, **gateway}),
        status=StatusSettings(interval_s=0.1),
    )
    apply_topics(settings.kafka)
    return settings


def new_id(name: str = "cam") -> str:
    return f"{name}-{uuid.uuid4().hex[:12]}"


def write_video(path: Path, count: int) -> Path:
    """A video whose frame `i` has the brightness `2 i` all over."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    for index in range(count):
        writer.write(np.full((48, 64, 3), 2 * index, dtype=np.uint8))
    writer.release()
    return path


def frames_of(kafka: LocalKafka, stream_id: str) -> list[Frame]:
    records = read_stream(kafka.bootstrap, FRAMES.name, {stream_id.encode()})
    assert {record.partition for record in records} <= {murmur2(stream_id.encode()) % 8}
    return [Frame.from_bytes(record.value) for record in records]


def assert_accounted(status: StreamStatus) -> None:
    dropped = sum(count for name, count in status.counters.items() if name.startswith("dropped."))
    assert status.counters["captured"] == status.counters["published"] + dropped


def test_a_video_arrives_whole_in_order_and_on_its_partition(kafka: LocalKafka, tmp_path: Path) -> None:
    video, stream_id = write_video(tmp_path / "a.avi", 100), new_id()
    seen: list[StreamStatus] = []
    report = run_gateway(
        {stream_id: StreamSettings(source=str(video))},
        settings_for(kafka),
        state_dir=tmp_path / "state",
        stop=threading.Event(),
        on_status=seen.append,
        clock_ns=lambda: 1_700_000_000_000_000_000,
    )
    assert report.exit_code == 0
    frames = frames_of(kafka, stream_id)
    assert [frame.seq for frame in frames] == list(range(100))
    assert {frame.epoch for frame in frames} == {1_700_000_000}
    for frame in frames:
        assert frame.captured_at_ns == 1_700_000_000_000_000_000 + frame.seq * 40_000_000
        assert [stage for stage, _ in frame.trace] == ["capture", "publish"]
        assert (frame.width, frame.height) == (64, 48)
        assert abs(float(decode_jpeg(frame.jpeg).mean()) - 2 * frame.seq) < 4
    status = last_status(kafka.bootstrap, stream_id)
    assert status == seen[-1]
    assert (status.state, status.message, status.epoch) == ("ended", "", 1_700_000_000)
    assert status.counters == {"captured": 100, "published": 100}


def test_a_picture_that_no_reader_takes_is_said_at_once_and_one_too_large_for_the_broker_is_made_smaller(
    kafka: LocalKafka, tmp_path: Path
) -> None:
    rng, noise, wide = np.random.default_rng(1), new_id("noise"), new_id("wide")
    pictures = {
        noise: [rng.integers(0, 256, (240, 320, 3), dtype=np.uint8) for _ in range(3)],
        wide: [np.zeros((64, 20_000, 3), dtype=np.uint8)] * 2,
    }
    for name, images in pictures.items():
        height, width = images[0].shape[:2]
        path = str(tmp_path / f"{name}.avi")
        writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 25, (width, height))
        for image in images:
            writer.write(image)
        writer.release()
    settings = settings_for(kafka)
    with broker_takes(kafka, FRAMES.name, 50_000):
        report = run_gateway(
            {name: StreamSettings(source=str(tmp_path / f"{name}.avi")) for name in pictures},
            settings,
            state_dir=tmp_path / "state",
            stop=threading.Event(),
        )
    assert report.exit_code == 1
    status = last_status(kafka.bootstrap, wide)
    assert (status.state, status.counters) == (
        "failed",
        {"captured": 2, "published": 0, "dropped.over_limit": 2},
    )
    assert "20000x64 has a side that is not in 1..16384 pixels" in status.message
    assert "None of its 2 frames was published" in status.message
    assert frames_of(kafka, wide) == []
    assert [len(frame.to_bytes()) < 50_000 for frame in frames_of(kafka, noise)] == [True] * 3
    status = last_status(kafka.bootstrap, noise)
    assert (status.state, status.counters) == ("ended", {"captured": 3, "published": 3, "reduced": 3})
    assert "published with less: 3 frames" in status.message


@contextmanager
def broker_takes(kafka: LocalKafka, topic: str, most_bytes: int) -> Iterator[None]:
    """Meanwhile the broker's limit on a record of this topic is another."""

    def set_to(value: int) -> None:
        entry = ConfigEntry("max.message.bytes", str(value), incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        client = AdminClient({"bootstrap.servers": kafka.bootstrap})
        for future in client.incremental_alter_configs([resource]).values():
            future.result(20)
        wait_until(lambda: largest_records(KafkaSettings(bootstrap=kafka.bootstrap), [topic])[topic] == value)

    set_to(most_bytes)
    try:
        yield
    finally:
        set_to(FRAMES.max_message_bytes)


def test_a_stream_that_fails_stops_no_other_and_is_named(kafka: LocalKafka, tmp_path: Path) -> None:
    good, bad, damaged = new_id("good"), new_id("bad"), new_id("damaged")
    (tmp_path / f"{damaged}.epoch").write_text("nonsense")
    video = write_video(tmp_path / "a.avi", 20)
    report = run_gateway(
        {
            bad: StreamSettings(source=str(tmp_path / "none.mp4")),
            damaged: StreamSettings(source=str(video)),
            good: StreamSettings(source=str(video)),
        },
        settings_for(kafka),
        state_dir=tmp_path,
        stop=threading.Event(),
    )
    assert report.exit_code == 1
    assert report.failed.keys() == {bad, damaged}
    assert "There is no video file" in report.failed[bad]
    assert report.streams[good].counters == {"captured": 20, "published": 20}
    failed = last_status(kafka.bootstrap, bad)
    assert (failed.state, failed.counters["captured"]) == ("failed", 0)
    assert "There is no video file" in failed.message


class BrightnessDetector:
    """Finds one box in each picture, with its mean brightness for a score."""

    spec = ModelSpec(Head.YOLOX, 32, 32, "images", "output", ("thing", "other"), MEGVII)
    appearance = None

    def detect(self, images: Sequence[Image]) -> list[Detected]:
        (image,) = images
        return [
            Detected(
                np.array([[1, 2, 30, 40]], np.float32),
                np.array([image.mean() / 255], np.float32),
                np.array([1], np.uint16),
            )
        ]


def test_a_gateway_that_detects_publishes_detections(kafka: LocalKafka, tmp_path: Path) -> None:
    stream_id, epochs = new_id(), set()
    for _ in range(2):
        report = run_gateway(
            {stream_id: StreamSettings(source=str(write_video(tmp_path / "a.avi", 30)), mode="detections")},
            settings_for(kafka),
            state_dir=tmp_path,
            stop=threading.Event(),
            load_detector=BrightnessDetector,
        )
        epochs.add(report.streams[stream_id].epoch)
    assert len(epochs) == 2
    records = read_stream(kafka.bootstrap, DETECTIONS.name, {stream_id.encode()})
    assert {record.partition for record in records} == {murmur2(stream_id.encode()) % 8}
    found = [Detections.from_bytes(record.value) for record in records]
    assert [one.order for one in found] == [(epoch, seq) for epoch in sorted(epochs) for seq in range(30)]
    for one in found:
        assert (one.width, one.height) == (64, 48)
        assert one.names == {1: "other"}
        assert one.labels == BrightnessDetector.spec.labels_version
        assert one.boxes.tolist() == [[1, 2, 30, 40]]
        assert abs(float(one.scores[0]) - 2 * one.seq / 255) < 0.02


def test_a_camera_of_its_own_rate_is_accounted_for(kafka: LocalKafka, tmp_path: Path) -> None:
    streams = {new_id(): StreamSettings(source=f"synthetic:{number}?seconds=1") for number in range(3)}
    report = run_gateway(streams, settings_for(kafka), state_dir=tmp_path, stop=threading.Event())
    for stream_id, one in report.streams.items():
        frames = frames_of(kafka, stream_id)
        assert one.counters["captured"] == 30
        assert len(frames) == one.counters["published"] > 0
        assert_accounted(last_status(kafka.bootstrap, stream_id))


PROGRAM = """
import json, signal, sys, threading
from pathlib import Path
from producers.gateway import run_gateway
from sightline.settings import Settings
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
settings = Settings.model_validate_json(sys.argv[1])
report = run_gateway(
    settings.streams, settings, state_dir=Path(sys.argv[2]), stop=stop,
    on_status=lambda status: print(json.dumps(status.counters), flush=True),
)
sys.exit(report.exit_code)
"""


@pytest.mark.parametrize("source", ["synthetic:1?live=0", "synthetic:1?fps=200"])
def test_sigterm_mid_way_leaves_every_frame_accounted_for(
    kafka: LocalKafka, tmp_path: Path, source: str
) -> None:
    stream_id = new_id()
    settings = settings_for(kafka).model_copy(update={"streams": {stream_id: StreamSettings(source=source)}})
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, settings.model_dump_json(), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        for line in program.stdout:
            if json.loads(line)["published"] > 50:
                break
        program.send_signal(signal.SIGTERM)
        _, errors = program.communicate(timeout=30)
    finally:
        program.kill()
        program.wait()
    assert (program.returncode, errors) == (0, "")
    status = last_status(kafka.bootstrap, stream_id)
    # A file was cut short; to be stopped is how a camera ends.
    message = "Stopped before its end." if "live=0" in source else ""
    assert (status.state, status.message) == ("ended", message)
    assert_accounted(status)
    frames = frames_of(kafka, stream_id)
    assert len(frames) == status.counters["published"] > 50
    assert [frame.seq for frame in frames] == sorted({frame.seq for frame in frames})
    if "live=0" in source:
        assert [frame.seq for frame in frames] == list(range(len(frames)))


def test_a_file_is_read_no_further_ahead_than_infer_has_committed(kafka: LocalKafka, tmp_path: Path) -> None:
    stream_id, stop = new_id(), threading.Event()
    published: list[int] = []
    settings = settings_for(kafka, read_ahead_frames=40)
    client = AdminClient({"bootstrap.servers": kafka.bootstrap})
    partition = murmur2(stream_id.encode()) % 8

    def commit(offset: int) -> None:
        where = TopicPartition(FRAMES.name, partition, offset)
        request = [ConsumerGroupTopicPartitions(INFER_GROUP, [where])]
        client.alter_consumer_group_offsets(request)[INFER_GROUP].result(20)

    commit(0)
    gateway = threading.Thread(
        target=run_gateway,
        args=({stream_id: StreamSettings(source="synthetic:1?live=0")}, settings),
        kwargs={
            "state_dir": tmp_path,
            "stop": stop,
            "on_status": lambda status: published.append(status.counters["published"]),
        },
    )
    gateway.start()
    try:
        wait_until(lambda: published[-5:] == [40] * 5)
        records = read_stream(kafka.bootstrap, FRAMES.name, {stream_id.encode()})
        commit(records[24].offset + 1)
        wait_until(lambda: published[-5:] == [65] * 5)
    finally:
        stop.set()
        gateway.join(30)
    assert not gateway.is_alive()


def test_a_broker_that_dies_mid_way_only_makes_a_file_wait(tmp_path: Path) -> None:
    stream_id, seen = new_id(), []
    with LocalKafka(tmp_path / "kafka") as broker:
        settings = settings_for(broker, max_queue_frames=16)
        source = "synthetic:1?live=0&seconds=20&size=160x90"
        done: list[int] = []

        def capture() -> None:
            report = run_gateway(
                {stream_id: StreamSettings(source=source)},
                settings,
                state_dir=tmp_path,
                stop=threading.Event(),
                on_status=seen.append,
            )
            done.append(report.exit_code)

        gateway = threading.Thread(target=capture, daemon=True)
        gateway.start()
        wait_until(lambda: bool(seen) and seen[-1].counters["published"] > 20)
        broker.kill()
        wait_until(lambda: "Waits for the broker" in seen[-1].message or bool(done), timeout_s=30)
        broker.start()
        broker.wait_ready()
        gateway.join(120)
        assert done == [0]
        assert seen[-1].counters == {"captured": 600, "published": 600}
        assert [frame.seq for frame in frames_of(broker, stream_id)] == list(range(600))


def gateway_in_background(
    kafka: LocalKafka, stream_id: str, state_dir: Path, clock_s: int, seen: list[StreamStatus], end: list[int]
) -> threading.Thread:
    """A gateway with a camera of 20 frames a second, until another one takes it over or 20 s are over."""

    def capture() -> None:
        report = run_gateway(
            {stream_id: StreamSettings(source="synthetic:1?fps=20&seconds=20&size=160x90")},
            settings_for(kafka),
            state_dir=state_dir,
            stop=threading.Event(),
            on_status=seen.append,
            clock_ns=lambda: clock_s * 10**9,
        )
        end.append(report.exit_code)

    thread = threading.Thread(target=capture, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("clocks_s", [(1_700_000_000, 1_600_000_000), (1_700_000_000, 1_700_000_000)])
def test_of_two_gateways_with_one_stream_the_older_stops_and_says_why_whatever_their_clocks_say(
    kafka: LocalKafka, tmp_path: Path, clocks_s: tuple[int, int]
) -> None:
    stream_id = new_id()
    seen: tuple[list[StreamStatus], list[StreamStatus]] = ([], [])
    end: tuple[list[int], list[int]] = ([], [])
    older = gateway_in_background(kafka, stream_id, tmp_path / "a", clocks_s[0], seen[0], end[0])
    wait_until(lambda: bool(seen[0]) and seen[0][-1].counters["published"] > 10)
    # A machine whose clock is behind, or with a copy of the settings and of the state folder.
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / f"{stream_id}.epoch").write_text("1699999999\n")
    newer = gateway_in_background(kafka, stream_id, tmp_path / "b", clocks_s[1], seen[1], end[1])
    older.join(20)
    assert not older.is_alive()
    assert end[0] == [SUPERSEDED_EXIT]
    last = seen[0][-1]
    assert last.state == "failed"
    assert f"Another gateway ({seen[1][-1].instance}) has started the stream {stream_id}" in last.message
    assert_accounted(last)
    newer.join(40)
    assert (end[1], seen[1][-1].state) == ([0], "ended")
    assert seen[1][-1].epoch > last.epoch
    frames = [frame.order for frame in frames_of(kafka, stream_id)]
    assert sorted(frames) == [
        *((last.epoch, seq) for seq in range(last.counters["published"])),
        *((seen[1][-1].epoch, seq) for epoch, seq in frames if epoch == seen[1][-1].epoch),
    ]


def test_gateways_that_start_at_the_same_moment_never_share_an_epoch(
    kafka: LocalKafka, tmp_path: Path
) -> None:
    stream_id = new_id()
    seen: list[list[StreamStatus]] = [[] for _ in range(3)]
    ends: list[list[int]] = [[] for _ in range(3)]
    started = [
        gateway_in_background(kafka, stream_id, tmp_path / str(n), 1_700_000_000, seen[n], ends[n])
        for n in range(3)
    ]
    for each in started:
        each.join(60)
    assert sorted(end[0] for end in ends) == [0, SUPERSEDED_EXIT, SUPERSEDED_EXIT]
    assert len({each[-1].epoch for each in seen}) == 3
    winner = max(seen, key=lambda each: each[-1].epoch)
    assert winner[-1].state == "ended"


def test_without_topics_a_gateway_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match=r"broker at 127\.0\.0\.1:1 does not answer"):
        run_gateway(
            {"cam": StreamSettings(source="synthetic:1")},
            Settings(kafka=KafkaSettings(bootstrap="127.0.0.1:1")),
            state_dir=tmp_path,
            stop=threading.Event(),
        )


def test_a_gateway_that_is_asked_to_tells_the_truth_about_the_frames_that_it_sends(
    kafka: LocalKafka, tmp_path: Path
) -> None:
    knowing, video = new_id("world"), new_id("video")
    source = "synthetic:junction?seed=100001&seconds=1&fps=10&size=320x180&live=0"
    report = run_gateway(
        {
            knowing: StreamSettings(source=source),
            video: StreamSettings(source=str(write_video(tmp_path / "a.avi", 5))),
        },
        settings_for(kafka, truth=True),
        state_dir=tmp_path / "state",
        stop=threading.Event(),
    )
    assert report.exit_code == 0
    records = read_stream(kafka.bootstrap, TRUTH.name, {knowing.encode(), video.encode()})
    assert {record.partition for record in records} == {murmur2(knowing.encode()) % 8}
    told = [Truth.from_bytes(record.value) for record in records]
    frames = frames_of(kafka, knowing)
    assert [(each.order, each.captured_at_ns) for each in told] == [
        (frame.order, frame.captured_at_ns) for frame in frames
    ]
    assert any(len(each.object_ids) for each in told)
    assert {event.place for event in told[0].events if event.kind == "defined"}
    assert not [event for each in told[1:] for event in each.events if event.kind == "defined"]
    rows = sum(len(each.object_ids) + len(each.events) for each in told)
    counters = last_status(kafka.bootstrap, knowing).counters
    assert counters == {"captured": 10, "published": 10, "truth_rows": rows}
    assert "truth_rows" not in last_status(kafka.bootstrap, video).counters

"""The infer stage on a real broker and a real Triton: nothing lost, order kept, whatever is killed."""

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from confluent_kafka import Consumer, TopicPartition

from schemas import topics
from schemas.dead_letters import DeadLetter
from schemas.detections import Detections
from schemas.frames import Frame
from sightline.kafka_clients import producer
from sightline.settings import KafkaSettings
from sightline.stack.kafka import LocalKafka
from sightline.stack.triton import LocalTriton
from sightline.topic_admin import apply_topics
from sightline.vision.appearance import find_appearance
from sightline.vision.describe import find_model
from sightline.vision.repository import Serving, write_repository
from tests.appearance_network import write_appearance

STREAMS = ("gate", "yard", "dock")
PARTITIONS = 3
WAIT_S = 60.0


def picture(number: int) -> bytes:
    image = np.full((180, 320, 3), 90, np.uint8)
    left = 10 + number * 3 % 250
    cv2.rectangle(image, (left, 80), (left + 31, 95), (40, 40, 220), -1)
    return cv2.imencode(".jpg", image)[1].tobytes()


def frame(stream_id: str, seq: int, jpeg: bytes | None = None) -> Frame:
    return Frame(
        stream_id=stream_id,
        epoch=1,
        seq=seq,
        captured_at_ns=seq * 10**9,
        trace=(("capture", seq * 10**9),),
        width=640,
        height=360,
        jpeg=picture(seq) if jpeg is None else jpeg,
    )


class System:
    """A broker, a Triton, and infer workers as processes."""

    def __init__(self, folder: Path, kafka: LocalKafka, triton: LocalTriton) -> None:
        self.folder = folder
        self.kafka = kafka
        self.triton = triton
        self.producer = producer(KafkaSettings(bootstrap=kafka.bootstrap), client_id="test")
        self._workers: list[subprocess.Popen[bytes]] = []

    def start_worker(self, **settings: str) -> subprocess.Popen[bytes]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGHTLINE_")}
        env = clean | {
            "SIGHTLINE_KAFKA_BOOTSTRAP": self.kafka.bootstrap,
            "SIGHTLINE_KAFKA_SESSION_TIMEOUT_S": "6",
            "SIGHTLINE_TRITON_URL": self.triton.grpc_url,
            **settings,
        }
        with (self.folder / "infer.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "sightline", "infer"], env=env, stdout=log, stderr=log
            )
        self._workers.append(worker)
        return worker

    def send(self, first: int, last: int) -> None:
        for seq in range(first, last):
            for stream_id in STREAMS:
                self.producer.produce(
                    topics.FRAMES.name, frame(stream_id, seq).to_bytes(), stream_id.encode()
                )
        assert self.producer.flush(30) == 0

    def stop_workers(self) -> None:
        for worker in self._workers:
            worker.kill()
            worker.wait()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    subprocess.run([sys.executable, "-m", "triton_repo.demo_detector", str(tmp_path / "model")], check=True)
    onnx, spec = find_model(tmp_path / "model")
    look = find_appearance(write_appearance(tmp_path / "appearance"))
    repository = write_repository(tmp_path / "repository", Serving(onnx, spec, look))
    with (
        LocalTriton(repository, ["analyzer"], tmp_path / "triton.log") as triton,
        LocalKafka(tmp_path / "kafka") as kafka,
    ):
        apply_topics(KafkaSettings(bootstrap=kafka.bootstrap, partitions=PARTITIONS))
        made = System(tmp_path, kafka, triton)
        yield made
        made.stop_workers()


def read_all(bootstrap: str, topic: str) -> list:
    """Every record of a topic, by partition and offset."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False})
    found = []
    for partition in range(PARTITIONS):
        place = TopicPartition(topic, partition, 0)
        _, end = consumer.get_watermark_offsets(place, timeout=10)
        consumer.assign([place])
        records = []
        while len(records) < end:
            message = consumer.poll(10)
            assert message is not None, f"{topic}[{partition}] gives {len(records)} of {end} records"
            assert message.error() is None
            # What was fetched for the partition before may still be handed out.
            if message.partition() == partition:
                assert message.offset() == len(records)
                records.append(message)
        found += records
    consumer.close()
    return found


def detections_by_stream(bootstrap: str) -> dict[str, list[Detections]]:
    found: dict[str, list[Detections]] = defaultdict(list)
    for message in read_all(bootstrap, topics.DETECTIONS.name):
        detections = Detections.from_bytes(message.value())
        assert message.key() == detections.stream_id.encode()
        found[detections.stream_id].append(detections)
    return found


def wait_for_frames(system: System, count: int) -> dict[str, list[Detections]]:
    deadline = time.monotonic() + WAIT_S
    while True:
        found = detections_by_stream(system.kafka.bootstrap)
        if all(len({each.seq for each in found[stream_id]}) >= count for stream_id in STREAMS):
            return found
        log = (system.folder / "infer.log").read_text()
        assert time.monotonic() < deadline, {name: len(each) for name, each in found.items()} | {
            "log": log[-3000:]
        }
        time.sleep(0.3)


def assert_nothing_is_lost_and_order_is_kept(found: dict[str, list[Detections]], count: int) -> None:
    """A stream's frames may come again from where a worker died, but never with a gap."""
    for stream_id in STREAMS:
        newest = -1
        for each in found[stream_id]:
            assert each.seq <= newest + 1, f"{stream_id}: {each.seq} after {newest}"
            newest = max(newest, each.seq)
        assert newest == count - 1


def test_every_frame_becomes_one_message_of_detections_in_order(system):
    worker = system.start_worker()
    system.send(0, 60)
    found = wait_for_frames(system, 60)
    for stream_id in STREAMS:
        assert [each.seq for each in found[stream_id]] == list(range(60))
        assert all([each.names[int(i)] for i in each.class_ids] == ["car"] for each in found[stream_id])
    for each in found["yard"]:
        assert each.embeddings is not None
        assert each.probabilities is not None
        assert each.embeddings.shape == (1, 4)
        # The car is red.
        assert each.attributes[int(each.probabilities[0].argmax())] == "reddish"
    # The picture is half the source frame, in whose pixels the boxes are.
    assert found["gate"][0].boxes[0] == pytest.approx([20, 160, 84, 192], abs=6)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=20) == 0
    again = system.start_worker()
    time.sleep(6)
    again.send_signal(signal.SIGTERM)
    assert again.wait(timeout=20) == 0
    assert sum(len(each) for each in detections_by_stream(system.kafka.bootstrap).values()) == 180


def test_bad_frames_become_dead_letters_with_their_place_and_the_others_go_on(system):
    system.start_worker()
    bad = [
        b"\xc1 no message",
        frame("gate", 1, jpeg=b"no picture").to_bytes(),
        frame("gate", 2, picture(2)[:900]).to_bytes(),
    ]
    system.producer.produce(topics.FRAMES.name, frame("gate", 0).to_bytes(), b"gate")
    for value in bad:
        system.producer.produce(topics.FRAMES.name, value, b"gate")
    system.producer.produce(topics.FRAMES.name, frame("gate", 3).to_bytes(), b"gate")
    system.producer.produce(topics.FRAMES.name, frame("yard", 0).to_bytes(), b"gate")
    assert system.producer.flush(30) == 0
    deadline = time.monotonic() + WAIT_S
    while len(letters := read_all(system.kafka.bootstrap, topics.DEAD_LETTERS.name)) < 4:
        assert time.monotonic() < deadline, (system.folder / "infer.log").read_text()
        time.sleep(0.3)
    read = [DeadLetter.from_record(each.key(), each.value(), each.headers()) for each in letters]
    assert [each.value for each in read[:3]] == bad
    assert [(each.stream_id, each.epoch, each.seq) for each in read] == [
        ("gate", None, None),
        ("gate", 1, 1),
        ("gate", 1, 2),
        ("yard", 1, 0),
    ]
    assert all(each.stage == "infer" and each.topic == topics.FRAMES.name for each in read)
    assert [each.offset for each in read] == [1, 2, 3, 5]
    assert [each.seq for each in detections_by_stream(system.kafka.bootstrap)["gate"]] == [0, 3]


def test_workers_that_are_killed_lose_nothing_and_keep_the_order(system):
    worker = system.start_worker()
    for part in range(4):
        system.send(part * 40, (part + 1) * 40)
        wait_for_frames(system, part * 40 + 5)
        worker.kill()
        worker.wait()
        worker = system.start_worker()
    assert_nothing_is_lost_and_order_is_kept(wait_for_frames(system, 160), 160)


def test_a_worker_with_a_name_comes_back_before_the_group_has_missed_it(system):
    patient = {"SIGHTLINE_INFER_INSTANCE_ID": "one", "SIGHTLINE_KAFKA_SESSION_TIMEOUT_S": "120"}
    worker = system.start_worker(**patient)
    system.send(0, 40)
    wait_for_frames(system, 20)
    worker.kill()
    worker.wait()
    system.start_worker(**patient)
    system.send(40, 80)
    # The wait is shorter than the session of the dead one: a nameless one would not get its partitions.
    assert WAIT_S < 120
    assert_nothing_is_lost_and_order_is_kept(wait_for_frames(system, 80), 80)


def test_of_two_workers_with_one_name_the_older_ends_and_says_why(system):
    older = system.start_worker(SIGHTLINE_INFER_INSTANCE_ID="one")
    system.send(0, 20)
    wait_for_frames(system, 20)
    system.start_worker(SIGHTLINE_INFER_INSTANCE_ID="one")
    assert older.wait(WAIT_S) == 1
    system.send(20, 40)
    assert_nothing_is_lost_and_order_is_kept(wait_for_frames(system, 40), 40)
    said = (system.folder / "infer.log").read_text()
    assert "lost its place in the group" in said
    assert "infer.instance_id" in said
    assert "Traceback" not in said


def test_a_triton_that_dies_is_waited_for_and_no_frame_is_given_up(system):
    system.start_worker()
    system.send(0, 40)
    wait_for_frames(system, 10)
    system.triton.kill()
    system.send(40, 120)
    time.sleep(3)
    system.triton.start()
    system.triton.wait_ready()
    assert_nothing_is_lost_and_order_is_kept(wait_for_frames(system, 120), 120)
    assert read_all(system.kafka.bootstrap, topics.DEAD_LETTERS.name) == []


def test_a_second_worker_takes_its_share_and_nothing_is_lost(system):
    first = system.start_worker()
    system.send(0, 60)
    wait_for_frames(system, 5)
    system.start_worker()
    system.send(60, 120)
    wait_for_frames(system, 80)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=20) == 0
    system.send(120, 160)
    assert_nothing_is_lost_and_order_is_kept(wait_for_frames(system, 160), 160)


def test_partitions_that_come_while_triton_is_down_lose_nothing(system):
    """Reading is stopped then, and what is given to a stopped worker must not be read and forgotten."""
    first = system.start_worker()
    system.send(0, 40)
    wait_for_frames(system, 40)
    second = system.start_worker()
    system.send(40, 80)
    wait_for_frames(system, 80)
    system.triton.kill()
    system.send(80, 400)
    time.sleep(4)  # both hold all that they may, and have stopped reading
    first.kill()
    first.wait()
    time.sleep(12)  # the group gives the second what the first had, which it has never seen
    system.triton.start()
    system.triton.wait_ready()
    assert_nothing_is_lost_and_order_is_kept(wait_for_frames(system, 400), 400)
    assert second.poll() is None

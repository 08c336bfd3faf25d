"""What no reader or broker would take is not published, and is said at once."""

import threading
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from confluent_kafka import KafkaError

from producers.account import FrameAccount
from producers.encoding import Encode, Grabbed, detection_encoder, frame_encoder
from producers.limits import (
    OVERHEAD_BYTES,
    FrameRefusedError,
    Reductions,
    SizeLimits,
    jpegs,
)
from producers.member import nothing_arrived
from producers.publisher import Publisher
from producers.sources import Image
from producers.statuses import Statuses, StreamReport
from producers.truth import FrameTruth, Legend, Line
from producers.truth_sender import TruthSender
from schemas.detections import Detections
from schemas.frames import Frame
from schemas.streams import MAX_MESSAGE_CHARS, StreamStatus
from schemas.topics import DETECTIONS, FRAMES, TRUTH
from sightline.kafka_clients import producer_config
from sightline.settings import KafkaSettings
from sightline.vision.detector import Detected
from sightline.vision.jpeg import DEFAULT_LIMITS, read_size
from tests.unit.producers.gateway_fakes import FakeProducer


def noise(width: int, height: int) -> Image:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def grabbed(image: Image, **changes: Any) -> Grabbed:
    fields: dict[str, Any] = {
        "stream_id": "cam",
        "epoch": 7,
        "seq": 3,
        "captured_at_ns": 1_000,
        "grabbed_at_ns": 2_000,
    }
    return Grabbed(image=image, **fields | changes)


def frames(limit_bytes: int | None = None) -> tuple[Encode, Reductions]:
    reductions = Reductions()
    limits = SizeLimits({FRAMES.name: limit_bytes} if limit_bytes else {})
    return frame_encoder(90, lambda: 3_000, limits, reductions), reductions


@pytest.mark.parametrize(("width", "height"), [(16_385, 8), (8, 16_385), (20_000, 64)])
def test_a_picture_with_a_side_over_the_schemas_limit_is_refused_before_it_is_encoded(
    width: int, height: int
) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    for encode in (frames()[0], detection_encoder(Finds(0), lambda: 1)):
        with pytest.raises(FrameRefusedError, match=rf"{width}x{height} has a side that is not in 1..16384"):
            encode(grabbed(image))


@pytest.mark.parametrize(("width", "height"), [(16_384, 8), (8, 16_384), (1, 1)])
def test_a_picture_at_the_limit_is_published_whole(width: int, height: int) -> None:
    encode, reductions = frames()
    frame = Frame.from_bytes(encode(grabbed(np.zeros((height, width, 3), np.uint8))))
    assert (frame.width, frame.height) == read_size(frame.jpeg) == (width, height)
    assert reductions.frames("cam") == 0


@pytest.mark.parametrize(
    "changes", [{"captured_at_ns": -1}, {"stream_id": "a b"}, {"epoch": 2**63}, {"grabbed_at_ns": -5}]
)
def test_whatever_else_the_schema_refuses_is_refused_by_name(changes: dict[str, Any]) -> None:
    field = "trace" if "grabbed_at_ns" in changes else next(iter(changes))
    for encode in (frames()[0], detection_encoder(Finds(0), lambda: 1)):
        with pytest.raises(FrameRefusedError, match=f"bad {field}") as caught:
            encode(grabbed(noise(8, 8), **changes))
        assert caught.value.reason == "over_limit"


def test_a_frame_that_is_too_large_for_the_broker_is_published_with_less_and_counted() -> None:
    image = noise(320, 240)
    whole, _ = frames()
    size = len(whole(grabbed(image)))
    sizes = []
    for share in (1.1, 0.9, 0.6, 0.3, 0.1):
        encode, reductions = frames(int(size * share) + OVERHEAD_BYTES)
        frame = Frame.from_bytes(value := encode(grabbed(image)))
        assert len(value) <= size * share
        assert (frame.width, frame.height) == (320, 240)  # boxes stay in its pixels
        assert reductions.frames("cam") == (share < 1)
        sizes.append(read_size(frame.jpeg))
    assert sizes == [(320, 240)] * 3 + [(160, 120), (80, 60)]


def test_a_frame_is_stamped_as_published_after_it_was_encoded() -> None:
    image, began_ns = noise(3000, 2000), time.monotonic_ns()
    frame = Frame.from_bytes(frame_encoder(90, time.monotonic_ns)(grabbed(image)))
    took_ns = time.monotonic_ns() - began_ns
    assert frame.trace[1][1] - began_ns > took_ns / 2


def test_a_frame_that_does_not_fit_at_its_least_is_refused() -> None:
    encode, _ = frames(3_000)
    with pytest.raises(
        FrameRefusedError, match=r"it takes 5\d\d\d bytes at least, and the limit is 18\d\d"
    ) as caught:
        encode(grabbed(noise(640, 480)))
    assert caught.value.reason == "too_large"


def test_no_quality_below_the_asked_for_is_raised() -> None:
    image = noise(64, 64)
    assert len(list(jpegs(image, 90))) == 6
    assert [read_size(jpeg) for jpeg in jpegs(image, 40)] == [(64, 64), (32, 32), (16, 16)]
    first, *_, last = jpegs(image, 40)
    assert len(last) < len(first)


def test_a_picture_of_more_pixels_than_infer_takes_is_sent_smaller() -> None:
    encode, reductions = frames()
    frame = Frame.from_bytes(encode(grabbed(np.zeros((4200, 8400, 3), np.uint8))))
    width, height = read_size(frame.jpeg)
    assert (frame.width, frame.height) == (8400, 4200)
    assert DEFAULT_LIMITS.max_pixels * 0.99 < width * height <= DEFAULT_LIMITS.max_pixels
    assert reductions.frames("cam") == 1


class Finds:
    """A detector that finds `count` boxes with an embedding of 512 numbers each."""

    def __init__(self, count: int, label: str = "thing") -> None:
        self.count = count
        self.spec: Any = SimpleNamespace(labels=(label,), labels_version="v")
        self.appearance = None

    def detect(self, images: Sequence[Image]) -> list[Detected]:
        boxes = np.zeros((self.count, 4), np.float32)
        looks = np.ones((self.count, 512), np.float16)
        return [Detected(boxes, boxes[:, 0], boxes[:, 0].astype(np.uint16), embeddings=looks)]


def test_detections_that_are_too_large_go_without_looks_and_are_counted() -> None:
    for limit, looks in ((200_000, True), (50_000, False)):
        reductions = Reductions()
        limits = SizeLimits({DETECTIONS.name: limit})
        encode = detection_encoder(Finds(100), lambda: 1, limits, reductions)
        found = Detections.from_bytes(encode(grabbed(noise(8, 8))))
        assert (found.embeddings is not None, len(found.boxes)) == (looks, 100)
        assert reductions.frames("cam") == (not looks)
    with pytest.raises(FrameRefusedError, match="too_large"):
        detection_encoder(Finds(100), lambda: 1, SizeLimits({DETECTIONS.name: 2_000}))(grabbed(noise(8, 8)))


def test_a_class_name_that_no_reader_takes_is_said_and_not_published() -> None:
    with pytest.raises(FrameRefusedError, match="bad names: 129 characters are over the limit of 128"):
        detection_encoder(Finds(1, "x" * 129), lambda: 1)(grabbed(noise(8, 8)))


def test_a_broker_that_takes_less_than_it_says_is_learnt_from() -> None:
    limits = SizeLimits({FRAMES.name: 100_000})
    assert limits.most_bytes(FRAMES.name) == 100_000 - OVERHEAD_BYTES
    publisher = Publisher(FakeProducer(), limits)
    account = FrameAccount()
    account.send()
    publisher._settle(account, FRAMES.name, 80_000, KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), None)
    assert limits.most_bytes(FRAMES.name) == 60_000
    assert account.counters()["dropped.too_large"] == 1


def test_a_broker_that_takes_more_than_the_schema_changes_nothing() -> None:
    assert SizeLimits({FRAMES.name: 1 << 30}).most_bytes(FRAMES.name) == SizeLimits().most_bytes(FRAMES.name)


@pytest.mark.parametrize(("told", "batch"), [(1 << 24, 1_000_000), (300_000, 300_000), (0, 1)])
def test_no_batch_is_larger_than_what_the_broker_takes(told: int, batch: int) -> None:
    config = producer_config(KafkaSettings(bootstrap="b:1"), client_id="c", max_batch_bytes=told)
    assert config["batch.size"] == batch


def test_a_status_can_hold_whatever_a_file_is_called() -> None:
    sent: list[bytes] = []
    publisher: Any = SimpleNamespace(send_status=lambda topic, key, value, done: sent.append(value))
    statuses = Statuses(publisher, "x", lambda: 1)
    statuses.final(StreamReport("cam", 1, "failed", "No file \udcff" + "x" * 3000, {"captured": 0}))
    status = StreamStatus.from_bytes(sent[0])
    assert status.message.startswith("No file \\udcffx")
    assert len(status.message) == MAX_MESSAGE_CHARS


def test_truth_that_no_reader_takes_is_counted_as_lost_and_not_published() -> None:
    producer = FakeProducer()
    for name, rows in (("gate", {"truth_rows": 1}), ("x" * 129, {"truth_rows": 0, "truth_lost": 1})):
        nothing = np.zeros(0, np.uint16)
        legend = Legend(("car",), ("car-red",), lines=(Line(name, 0, 0, 1, 1),))
        truth = FrameTruth(
            np.zeros((0, 4), np.float32), nothing.astype(np.int64), nothing, nothing, np.zeros(0, np.float32)
        )
        with Publisher(producer) as publisher:
            sender = TruthSender(publisher, b"cam", legend, 1, lambda: 2)
            sender.send(Grabbed("cam", 1, 0, 1, 2, noise(8, 8), truth), threading.Event())
            assert sender.wait_settled(5)
        assert sender.counters() == rows
    assert TRUTH.max_message_bytes > len(producer.stored[0])
    assert len(producer.stored) == 1


@pytest.mark.parametrize(
    ("counters", "nothing"),
    [
        ({"captured": 2, "published": 0, "dropped.too_large": 2}, True),
        ({"captured": 2, "published": 0, "dropped.too_large": 1, "dropped.stopped": 1}, True),
        ({"captured": 2, "published": 1, "dropped.too_large": 1}, False),
        ({"captured": 2, "published": 0, "dropped.stopped": 2}, False),
        ({"captured": 0, "published": 0}, False),
    ],
)
def test_a_stream_of_which_nothing_arrived_has_failed(counters: dict[str, int], nothing: bool) -> None:
    assert nothing_arrived(counters) == nothing

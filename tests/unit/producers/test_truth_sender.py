"""The truth goes out beside the frames that do, whole, and never disturbs their account."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from producers.publisher import Publisher
from producers.sources import Picture
from producers.truth import FrameTruth, Legend, Line, TruthEvent, Zone
from schemas.topics import TRUTH
from schemas.truth import MAX_EVENTS, Truth
from tests.unit.producers.gateway_fakes import (
    FakeProducer,
    FakeSource,
    encode_number,
    encoder_that_fails,
    image_error,
)
from tests.unit.producers.test_stream_run import Stage

ZONE = Zone("yard", np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]]))
LEGEND = Legend(("car", "person"), ("car-red", "person-worker"), (Line("gate", 1.0, 0.0, 1.0, 2.0),), (ZONE,))


class Sorting(FakeProducer):
    """Keeps messages about the truth apart from frames."""

    def __init__(self, script: list[str]) -> None:
        super().__init__(script)
        self.truth: list[Truth] = []

    def produce(self, topic: str, value: bytes, key: bytes, **options: Any) -> None:
        if topic == TRUTH.name:
            assert key == b"cam"
            self.truth.append(Truth.from_bytes(value))
        super().produce(topic, value, key, **options)


class KnowingSource(FakeSource):
    """Frame `i` shows object `i`, which has crossed the gate just before."""

    legend = LEGEND
    events_per_frame = 1

    def pictures(self, stop: threading.Event) -> Iterator[Picture]:
        for picture in super().pictures(stop):
            at_ns = picture.timestamp_ns - 1
            event = TruthEvent("crossed", "gate", picture.index, max(0, at_ns), "forward")
            truth = FrameTruth(
                boxes=np.array([[0, 0, 2, 1]], np.float32),
                ids=np.array([picture.index], np.int64),
                classes=np.array([1], np.uint16),
                attributes=np.array([0], np.uint16),
                visibility=np.array([0.5], np.float32),
                events=(event,) * self.events_per_frame,
            )
            yield Picture(picture.index, picture.timestamp_ns, picture.image, truth)


def staged(source: FakeSource, script: list[str] | None = None, **plan: Any) -> tuple[Stage, Sorting]:
    stage = Stage(source, **({"tells_truth": True} | plan))
    stage.producer = producer = Sorting(script or [])
    stage.publisher = Publisher(producer)
    stage.run_._publisher = stage.publisher
    return stage, producer


def test_each_frame_that_is_sent_has_its_truth_in_event_time() -> None:
    stage, producer = staged(KnowingSource(3))
    stage.run()
    assert [told.seq for told in producer.truth] == [0, 1, 2]
    second = producer.truth[1]
    assert (second.stream_id, second.epoch, second.captured_at_ns) == ("cam", 7, 33_001_000)
    assert (second.object_ids.tolist(), second.class_ids.tolist(), second.classes) == (
        [1],
        [1],
        LEGEND.classes,
    )
    assert [(e.kind, e.place, e.object_id, e.at_ns) for e in second.events] == [
        ("crossed", "gate", 1, 33_000_999)
    ]
    assert stage.run_.counters() == {"captured": 3, "published": 3, "truth_rows": 3 + 3 + 2}


def test_the_first_message_says_which_lines_and_zones_there_are() -> None:
    stage, producer = staged(KnowingSource(1))
    stage.run()
    assert [(e.kind, e.place, e.points) for e in producer.truth[0].events][:2] == [
        ("defined", "gate", ((1.0, 0.0), (1.0, 2.0))),
        ("defined", "yard", ((0.0, 0.0), (4.0, 0.0), (0.0, 2.0))),
    ]


def test_what_happened_on_a_frame_that_is_not_sent_is_told_with_the_next() -> None:
    stage, producer = staged(
        KnowingSource(4), encode=encoder_that_fails({1: image_error(), 2: image_error()})
    )
    stage.run()
    assert [told.seq for told in producer.truth] == [0, 3]
    assert [event.object_id for event in producer.truth[1].events] == [1, 2, 3]
    assert stage.counters == {"captured": 4, "published": 2, "dropped.not_encodable": 2}


def test_more_events_than_a_message_takes_wait_for_the_next() -> None:
    source = KnowingSource(2)
    source.events_per_frame = MAX_EVENTS
    stage, producer = staged(source)
    stage.run()
    assert [len(told.events) for told in producer.truth] == [MAX_EVENTS, MAX_EVENTS]


def test_truth_that_the_broker_does_not_store_is_lost_and_said_so_and_no_frame_is() -> None:
    stage, _ = staged(KnowingSource(2), ["stored", "timeout", "stored", "too_large"])
    stage.run()
    assert stage.run_.counters() == {"captured": 2, "published": 2, "truth_rows": 0, "truth_lost": 2}


def test_a_full_queue_is_waited_for() -> None:
    stage, producer = staged(KnowingSource(1), ["stored", "full", "full", "stored"])
    stage.run()
    assert [told.seq for told in producer.truth] == [0, 0, 0]
    assert stage.run_.counters()["truth_rows"] == 4


@pytest.mark.parametrize(("source", "tells"), [(KnowingSource(2), False), (FakeSource(2), True)])
def test_nothing_is_told_unless_asked_for_and_known(source: FakeSource, tells: bool) -> None:
    stage, producer = staged(source, tells_truth=tells)
    stage.run()
    assert producer.truth == []
    assert stage.run_.counters() == {"captured": 2, "published": 2}


def test_a_live_source_tells_the_truth_too() -> None:
    stage, producer = staged(KnowingSource(20, live=True), encode=encode_number)
    stage.run()
    counters = stage.run_.counters()
    assert len(producer.truth) == counters["published"]
    told = [e.object_id for message in producer.truth for e in message.events if e.kind == "crossed"]
    assert told == list(range(len(told)))
    assert producer.truth[-1].seq == len(told) - 1

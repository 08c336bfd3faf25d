"""A record that the broker refuses ends the worker with a sentence; a full queue only makes it wait."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from processors.infer.outbox import Outbox
from schemas.streams import StreamStatus
from sightline.errors import SightlineError


class Producer:
    """Refuses in whatever way the test says."""

    def __init__(self, *refusals: Exception) -> None:
        self.refusals = list(refusals)
        self.sent: list[bytes] = []
        self.answers: list[KafkaError | None] = []
        self.fatal: KafkaException | None = None
        self._callbacks: list[Callable[..., None]] = []

    def produce(self, topic: str, value: bytes, *_: Any, on_delivery: Any = None, headers: Any = ()) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.sent.append(value)
        self._callbacks.append(on_delivery)

    def __len__(self) -> int:
        return len(self._callbacks)

    def poll(self, timeout: float) -> None:
        if self.fatal is not None:
            raise self.fatal
        while self.answers and self._callbacks:
            self._callbacks.pop(0)(self.answers.pop(0), None)


def send(outbox: Outbox, value: bytes, on_stored: Callable[[], None] = lambda: None) -> None:
    asyncio.run(outbox.send("t", 0, b"gate", value, [], on_stored))


def outbox_of(producer: Producer) -> Outbox:
    return Outbox(producer)  # type: ignore[arg-type]


def test_a_record_is_stored_when_the_broker_says_so_and_not_before() -> None:
    producer, stored = Producer(), []
    outbox = outbox_of(producer)
    send(outbox, b"1", lambda: stored.append(1))
    outbox.poll()
    assert stored == []
    producer.answers = [None]
    outbox.poll()
    assert stored == [1]


def test_a_full_queue_is_waited_for() -> None:
    producer = Producer(BufferError(), BufferError())
    send(outbox_of(producer), b"1")
    assert producer.sent == [b"1"]


def test_a_record_that_the_broker_refuses_is_an_error_and_the_first_one_is_told() -> None:
    producer, stored = Producer(), []
    outbox = outbox_of(producer)
    for number in range(3):
        send(outbox, b"1", lambda number=number: stored.append(number))
    producer.answers = [
        None,
        KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED),
        KafkaError(KafkaError._GAPLESS_GUARANTEE),
    ]
    with pytest.raises(SightlineError, match="did not take a record for t"):
        outbox.poll()
    assert stored == [0]
    with pytest.raises(SightlineError, match="authorization"):
        outbox.poll()


def test_a_record_that_the_client_refuses_is_an_error_too() -> None:
    producer = Producer(KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)))
    with pytest.raises(SightlineError, match="too large"):
        send(outbox_of(producer), b"1")


def test_statuses_that_find_no_room_are_left_out() -> None:
    producer = Producer(BufferError())
    status = StreamStatus(
        stream_id="gate", epoch=1, stage="infer", instance="a", at_ns=1, state="running", counters={}
    )
    outbox_of(producer).send_statuses([status, status])
    assert producer.sent == []


def test_a_refused_status_ends_the_worker_with_the_name_of_its_topic() -> None:
    producer = Producer()
    status = StreamStatus(
        stream_id="gate", epoch=1, stage="infer", instance="a", at_ns=1, state="running", counters={}
    )
    outbox = outbox_of(producer)
    outbox.send_statuses([status])
    producer.answers = [KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)]
    with pytest.raises(SightlineError, match="streams"):
        outbox.poll()


def test_an_error_that_stops_the_producer_is_told_and_does_not_escape_a_flush() -> None:
    producer = Producer()
    outbox = outbox_of(producer)
    send(outbox, b"1")
    producer.fatal = KafkaException(KafkaError(KafkaError._GAPLESS_GUARANTEE, "ProduceRequest for t failed"))
    outbox.flush(0.01)
    with pytest.raises(SightlineError, match="did not take a record: ProduceRequest for t failed"):
        outbox.poll()


def test_a_flush_ends_when_all_is_stored() -> None:
    producer, stored = Producer(), []
    outbox = outbox_of(producer)
    send(outbox, b"1", lambda: stored.append(1))
    producer.answers = [None]
    outbox.flush(60)
    assert stored == [1]

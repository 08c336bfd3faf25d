"""Hands messages to a Kafka producer and keeps account of what became of each."""

import logging
import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Final, Protocol, Self

from confluent_kafka import KafkaError, KafkaException

from producers.limits import SizeLimits
from sightline.errors import SightlineError
from sightline.kafka_clients import SeldomLogger

_LOG = logging.getLogger(__name__)

_BATCH_S: Final = 0.005
_REASONS: Final = {
    KafkaError._MSG_TIMED_OUT: "delivery_timeout",
    KafkaError.MSG_SIZE_TOO_LARGE: "too_large",
    KafkaError.RECORD_LIST_TOO_LARGE: "too_large",
    KafkaError._PURGE_QUEUE: "stopped",
    KafkaError._PURGE_INFLIGHT: "stopped",
}


class KafkaProducer(Protocol):
    """What is needed of `confluent_kafka.Producer`."""

    def produce(self, topic: str, value: bytes, key: bytes, *, on_delivery: Callable[..., None]) -> None:
        """Queue one record; raises `BufferError` or `KafkaException`."""
        ...

    def poll(self, timeout: float) -> int:
        """Call the delivery callbacks that are due."""
        ...

    def purge(self, *, in_queue: bool, in_flight: bool) -> None:
        """Fail what has not been delivered."""
        ...

    def flush(self, timeout: float) -> int:
        """Wait for all deliveries; returns how many are left."""
        ...


class Ledger(Protocol):
    """Is told what becomes of a message; `producers.account.FrameAccount` is one, for frames."""

    def send(self) -> None:
        """The message goes to the producer."""
        ...

    def take_back(self) -> None:
        """The producer did not want it: it is in hand again."""
        ...

    def publish(self, partition: int, offset: int) -> None:
        """It has been stored by the broker."""
        ...

    def fail(self, reason: str) -> None:
        """It was not stored."""
        ...


class Publisher:
    """One producer with the thread that calls its delivery callbacks. A context manager.

    Args:
        producer: The producer.
        limits: Learns what the broker refuses for its size.
    """

    def __init__(self, producer: KafkaProducer, limits: SizeLimits | None = None) -> None:
        self._producer = producer
        self._limits = limits
        self._log = SeldomLogger()
        self._closing = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="deliveries", daemon=True)

    def __enter__(self) -> Self:
        self._poller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._poller.join()

    def try_send(self, topic: str, key: bytes, value: bytes, account: Ledger) -> bool:
        """Send one message; False, and the message still in hand, if the queue is full.

        Raises:
            SightlineError: The producer is beyond repair; the message has been counted as failed.
        """
        account.send()
        try:
            self._producer.produce(
                topic, value, key, on_delivery=partial(self._settle, account, topic, len(value))
            )
        except BufferError:
            account.take_back()
            return False
        except KafkaException as error:
            reason = error.args[0]
            account.fail(drop_reason(reason))
            if reason.fatal():
                raise SightlineError(
                    f"The Kafka client has failed: {reason.str()}.", "Start again."
                ) from error
            _LOG.warning("A message of %s was refused: %s", key.decode(), reason.str())
        return True

    def send_status(self, topic: str, key: bytes, value: bytes, done: Callable[[bool], None]) -> None:
        """Send a message that is no frame; `done` is told whether it was stored, from another thread."""
        try:
            self._producer.produce(topic, value, key, on_delivery=lambda error, _: done(error is None))
        except (BufferError, KafkaException):
            done(False)

    def purge(self) -> None:
        """Give up all that the broker has not acknowledged."""
        self._producer.purge(in_queue=True, in_flight=True)

    def _settle(
        self, account: Ledger, topic: str, size_bytes: int, error: KafkaError | None, message: Any
    ) -> None:
        if error is None:
            account.publish(message.partition(), message.offset())
            return
        reason = drop_reason(error)
        account.fail(reason)
        if reason == "too_large" and self._limits is not None:
            self._limits.learn(topic, size_bytes)
        if reason != "stopped":
            # One line for all that is alike: a topic that is gone fails each frame of each camera.
            why = error.str()
            self._log.log(logging.ERROR, "A message of %d bytes is not stored: %s", size_bytes, why)

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._serve(0.1)
            # Deliveries come one by one; to wake for a few at a time costs a fraction.
            self._closing.wait(_BATCH_S)
        self._serve(0)

    def _serve(self, timeout_s: float) -> None:
        try:
            self._producer.poll(timeout_s)
        except KafkaException as error:
            # The client has failed for good. What it holds still gets its answers, one by one, and the next
            # message is told by `try_send`.
            _LOG.error("The Kafka client has failed: %s", error.args[0].str())


def drop_reason(error: KafkaError) -> str:
    """The reason to count a frame under that the broker did not store."""
    return _REASONS.get(error.code(), "delivery_failed")

"""The writer's clients of the broker: their settings, dead letters out, and a range of the log read again."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from consumers.writer.lease import Lease
from consumers.writer.records import Place, Range, Record
from schemas.dead_letters import DeadLetter
from schemas.topics import DEAD_LETTERS
from sightline.kafka_clients import WRITE_GROUP, consumer, producer
from sightline.settings import KafkaSettings

_log = logging.getLogger(__name__)

CLIENT_ID: Final = "sightline-writer"
_POLL_S: Final = 0.2
_QUEUE_MIB: Final = 16


def group_consumer(settings: KafkaSettings, instance_id: str | None) -> Consumer:
    """The group's consumer; with an instance id the one before it with the same id is out at once."""
    return consumer(
        settings,
        client_id=CLIENT_ID,
        group=WRITE_GROUP,
        instance_id=instance_id,
        max_queue_mib=_QUEUE_MIB,
        overrides={
            "partition.assignment.strategy": "cooperative-sticky",
            # The broker answers when it has this much or has waited that long: fewer, larger answers cost it
            # and us less, and the wait is small beside that of a batch.
            "fetch.min.bytes": 65_536,
            "fetch.wait.max.ms": 50,
        },
    )


def record_of(message: Any) -> Record:
    """A `confluent_kafka.Message` without an error, as the rest of the writer takes it."""
    value = message.value()
    return Record(
        Place(message.topic(), message.partition()),
        message.offset(),
        message.key(),
        value or b"",
        message.headers() or (),
        max(0, message.timestamp()[1]),
        value is None,
    )


class RangeReader:
    """Reads ranges of the log again, apart from the group.

    Args:
        settings: The broker.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings

    def read(self, topic: str, ranges: Sequence[Range], lease: Lease) -> Iterator[Record]:
        """The records in these ranges that the broker still has, each partition's in order.

        Raises:
            AbandonedError: The lease ended for good.
        """
        reader = consumer(
            self._settings,
            client_id=f"{CLIENT_ID}-replay",
            group=f"{WRITE_GROUP}-replay",  # never joined and never committed to
            max_queue_mib=_QUEUE_MIB,
            overrides={"enable.partition.eof": True},
        )
        try:
            reader.assign([TopicPartition(topic, r.partition, r.start) for r in ranges])
            left = {r.partition: r for r in ranges if r.start < r.end}
            while left:
                lease.sleep(0)
                for message in reader.consume(1000, _POLL_S):
                    yield from self._take(message, left)
        finally:
            reader.close()

    def _take(self, message: Any, left: dict[int, Range]) -> Iterator[Record]:
        partition, error = message.partition(), message.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF and left.pop(partition, None) is not None:
                _log.warning(
                    "%s %s ends before a batch that was begun: its records are gone",
                    message.topic(),
                    partition,
                )
            elif error.fatal():
                raise KafkaException(error)
            return
        found = left.get(partition)
        if found is None:
            return
        if message.offset() < found.end:
            yield record_of(message)
        if message.offset() >= found.end - 1:
            del left[partition]


class LetterPublisher:
    """Publishes dead letters; it connects when there is a first one.

    Args:
        settings: The broker.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: Producer | None = None

    def publish(self, letters: Sequence[DeadLetter], lease: Lease) -> None:
        """Return when the broker has them all; raises `AbandonedError` with the lease."""
        waiting = list(letters)
        while waiting:
            lease.hold()
            waiting = self._try(waiting)
            if waiting:
                lease.sleep(_POLL_S)

    def _try(self, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Send these and wait for the answers; return those that have to be sent again."""
        self._producer = self._producer or producer(self._settings, client_id=CLIENT_ID, compression="lz4")
        failed: list[DeadLetter] = []
        for letter in letters:

            def answered(error: KafkaError | None, _: Message, letter: DeadLetter = letter) -> None:
                if error is not None:
                    _log.warning("The broker did not take a dead letter: %s", error.str())
                    failed.append(letter)

            try:
                self._producer.produce(
                    DEAD_LETTERS.name,
                    letter.value,
                    letter.key,
                    headers=dict(letter.headers()),
                    callback=answered,
                )
            except BufferError:
                failed.append(letter)
        self._producer.flush()  # each letter is delivered or given up within delivery.timeout.ms
        if failed:
            self._producer = None  # after a failure an idempotent producer may refuse to go on
        return failed

"""The dead letter topic, read from its beginning or from a time to its end."""

import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.topics import DEAD_LETTERS
from sightline.dead_letters.letters import Collected, Place, StoredLetter
from sightline.errors import SightlineError
from sightline.kafka_clients import consumer, unreachable
from sightline.settings import KafkaSettings
from sightline.topic_admin import require_topics

_REQUEST_TIMEOUT_S: Final = 10.0
_SILENCE_S: Final = 30.0
_POLL_S: Final = 0.5
_RECORDS_PER_POLL: Final = 100
_SLACK_MS: Final = 60_000
"""The clocks of stages and broker may differ by this much."""


class DeadLetterLog:
    """Reads the topic; joins no group and commits nothing. Use it by `with`.

    Args:
        settings: The broker.

    Raises:
        SightlineError: No broker answers, or the topic is missing.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._partitions = require_topics(settings, [DEAD_LETTERS.name])[DEAD_LETTERS.name]
        self._consumer: Consumer = consumer(
            settings,
            client_id="sightline-dead-letters",
            group="sightline-dead-letters",  # never joined
            overrides={"enable.partition.eof": True},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def read(self, since_ns: int = 0) -> Collected:
        """All letters that are there now, and those sent again.

        Args:
            since_ns: Skip what was written before this time, in Unix nanoseconds, as far as it is cheap.

        Raises:
            SightlineError: The broker does not answer.
        """
        collected = Collected()
        try:
            for message in self._records(self._starts(since_ns)):
                at = Place(DEAD_LETTERS.name, message.partition(), message.offset())
                collected.take(at, message.key(), message.value(), message.headers() or [])
        except KafkaException as error:
            raise unreachable(self._settings, error) from error
        return collected

    def values(self, letters: Sequence[StoredLetter]) -> Iterator[tuple[StoredLetter, bytes]]:
        """The bytes of these letters, as they come: each partition's in order.

        Raises:
            SightlineError: One is gone by retention, or the broker does not answer.
        """
        wanted = {stored.at: stored for stored in letters}
        first: dict[int, int] = {}
        for at in wanted:
            first[at.partition] = min(at.offset, first.get(at.partition, at.offset))
        starts = [TopicPartition(DEAD_LETTERS.name, number, offset) for number, offset in first.items()]
        try:
            for message in self._records(starts):
                at = Place(DEAD_LETTERS.name, message.partition(), message.offset())
                if (stored := wanted.pop(at, None)) is not None:
                    yield stored, message.value() or b""
                if not wanted:
                    return
        except KafkaException as error:
            raise unreachable(self._settings, error) from error
        for stored in wanted.values():
            raise SightlineError(f"The dead letter about {stored.origin} is gone by retention.")

    def _starts(self, since_ns: int) -> list[TopicPartition]:
        partitions = range(self._partitions)
        if since_ns <= 0:
            return [TopicPartition(DEAD_LETTERS.name, number, 0) for number in partitions]
        at_ms = max(0, since_ns // 1_000_000 - _SLACK_MS)
        wanted = [TopicPartition(DEAD_LETTERS.name, number, at_ms) for number in partitions]
        return [
            at
            for at in self._consumer.offsets_for_times(wanted, timeout=_REQUEST_TIMEOUT_S)
            if at.offset >= 0
        ]

    def _records(self, starts: Sequence[TopicPartition]) -> Iterator[Any]:
        """The records from these places to what is the end now."""
        ends = self._assign(starts)
        heard_at_s = time.monotonic()
        while ends:
            messages: list[Any] = self._consumer.consume(_RECORDS_PER_POLL, _POLL_S)
            for message in messages:
                heard_at_s = time.monotonic()
                partition, error = message.partition(), message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        ends.pop(partition, None)
                    continue
                if message.offset() < ends.get(partition, 0):
                    yield message
                if message.offset() + 1 >= ends.get(partition, 0):
                    ends.pop(partition, None)
            if time.monotonic() - heard_at_s > _SILENCE_S:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    def _assign(self, starts: Sequence[TopicPartition]) -> dict[int, int]:
        """Begin to read from these places; returns the end of each partition that holds something."""
        ends: dict[int, int] = {}
        wanted = []
        for at in starts:
            place = TopicPartition(at.topic, at.partition)
            low, high = self._consumer.get_watermark_offsets(place, timeout=_REQUEST_TIMEOUT_S)
            if (start := max(low, at.offset)) < high:
                ends[at.partition] = high
                wanted.append(TopicPartition(at.topic, at.partition, start))
        self._consumer.assign(wanted)
        return ends

"""Stores records in Kafka, whole batches at a time, so that a failure leaves no hole in a partition.

Records go out as batches that this module fills itself: one future and one round trip a batch instead of
one a record. A partition has one batch under way for each caller, and the next begins when the broker has
stored it. So what a partition holds is always a beginning of what was to be sent, without gaps, which a
reader that drops what is not newer than the last (epoch, seq) depends on.
"""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from sightline.errors import SightlineError
from sightline.stateful.book import Outgoing


class Outbox:
    """Sends through an idempotent aiokafka producer with `acks=all`.

    Args:
        producer: A started producer.
        partitions: Partition count of each topic, for records that murmur2 places.
    """

    def __init__(self, producer: AIOKafkaProducer, partitions: Mapping[str, int]) -> None:
        self._producer = producer
        self._partitions = partitions
        self._partitioner = DefaultPartitioner()

    async def store(self, records: Sequence[Outgoing]) -> None:
        """Return when the broker has stored all; each partition gets its records in the order given.

        Raises:
            SightlineError: A record is larger than its topic allows.
            aiokafka.errors.KafkaError: The broker refused them.
        """
        groups: dict[tuple[str, int], list[Outgoing]] = {}
        for record in records:
            partition = record.partition if record.partition is not None else self._place(record)
            groups.setdefault((record.topic, partition), []).append(record)
        sends = [self.store_in(topic, partition, group) for (topic, partition), group in groups.items()]
        if len(sends) == 1:
            await sends[0]
        else:
            await asyncio.gather(*sends)

    async def store_in(self, topic: str, partition: int, records: Sequence[Outgoing]) -> int:
        """Store records in one partition; returns the offset of the last, -1 if the broker did not say.

        Raises:
            As `store`.
        """
        builder = self._producer.create_batch()
        last = -1
        for record in records:
            if not _append(builder, record):
                last = await self._send(builder, topic, partition)
                builder = self._producer.create_batch()
                _append(builder, record)  # the first record of a batch always fits
        if builder.record_count():
            last = await self._send(builder, topic, partition)
        return last

    async def _send(self, builder: BatchBuilder, topic: str, partition: int) -> int:
        builder.close()
        try:
            while True:
                try:
                    stored = await self._producer.send_batch(builder, topic, partition=partition)
                    break
                except KafkaTimeoutError:
                    continue  # another lane's batch is waiting for the broker; ours is not queued yet
            metadata = await stored
        except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
            raise SightlineError(
                f"The broker refuses a batch of {builder.size()} bytes for {topic}: it is too large.",
                "Raise max.message.bytes of that topic, or make the stage's outputs and states smaller.",
            ) from error
        base: int = metadata.offset
        return base + builder.record_count() - 1 if base >= 0 else -1

    def _place(self, record: Outgoing) -> int:
        numbers = list(range(self._partitions[record.topic]))
        partition: int = self._partitioner(record.key, numbers, numbers)
        return partition


def _append(builder: BatchBuilder, record: Outgoing) -> bool:
    added = builder.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers))
    return added is not None

"""The group's offsets and intents: what the writer owns, what it began, and what it has done."""

import logging
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaException, TopicPartition

from consumers.writer.gathering import Unit
from consumers.writer.intents import decode, encode
from consumers.writer.records import Place, Range
from sightline.kafka_clients import is_final

_log = logging.getLogger(__name__)

_ANSWER_TIMEOUT_S: Final = 30.0

Begun = tuple[str, tuple[Range, ...]]
"""A unit that somebody began: its topic and its ranges."""


class Offsets:
    """Commits and reads the group's offsets. Nothing here may raise for a broker that is away for a while.

    A client that is beyond help raises `KafkaException`: to try again with it would be to stand still.

    Args:
        consumer: The group's consumer.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def begin(self, units: Sequence[Unit], places: Container[Place]) -> bool:
        """Write down that these units are about to be inserted; False if the group did not take it all.

        All of it is one request, and the broker stores a group's offsets in one write.

        Args:
            units: The units.
            places: The partitions to write it for: those that are ours.
        """
        return self._commit(
            TopicPartition(unit.topic, found.partition, found.start, encode(unit.ranges))
            for unit in units
            for found in unit.ranges
            if Place(unit.topic, found.partition) in places
        )

    def end(self, ends: Mapping[Place, int]) -> bool:
        """Write down that all before these offsets is in the tables; False if the group did not take it."""
        return self._commit(
            TopicPartition(place.topic, place.partition, offset, "") for place, offset in ends.items()
        )

    def resume(self, partitions: Sequence[TopicPartition]) -> tuple[list[TopicPartition], set[Begun]]:
        """Where to go on reading in partitions that we were given, and the units that were begun there.

        Raises:
            KafkaException: The broker did not answer in time.
        """
        found = self._consumer.committed(list(partitions), timeout=_ANSWER_TIMEOUT_S)
        begun: set[Begun] = set()
        starts = []
        for at in found:
            if at.error is not None:
                raise KafkaException(at.error)
            ranges = decode(at.metadata)
            own = next((r for r in ranges if r.partition == at.partition and r.start == at.offset), None)
            if own is not None:
                begun.add((at.topic, ranges))
            offset = own.end if own is not None else at.offset if at.offset >= 0 else OFFSET_INVALID
            starts.append(TopicPartition(at.topic, at.partition, offset))
        return starts, begun

    def _commit(self, offsets: Iterable[TopicPartition]) -> bool:
        wanted = list(offsets)
        if not wanted:
            return True
        try:
            answers = self._consumer.commit(offsets=wanted, asynchronous=False)
        except KafkaException as error:
            if is_final(error.args[0]):
                raise
            _log.info("The group did not take a commit: %s", error)
            return False
        refused = [answer for answer in answers if answer.error is not None]
        if refused:
            _log.info("The group did not take a commit: %s", refused[0].error)
        return not refused

"""Sending dead letters to the topics that they came from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError, Producer

from schemas.dead_letters import Headers
from schemas.topics import DEAD_LETTERS
from sightline.dead_letters.letters import Place, StoredLetter, receipt_headers
from sightline.dead_letters.log import DeadLetterLog
from sightline.kafka_clients import producer
from sightline.settings import KafkaSettings
from sightline.topic_admin import require_topics

_GROUP_LETTERS: Final = 500
_GROUP_BYTES: Final = 32 << 20  # well within the producer's memory


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that its topic did not take back, and why."""

    origin: Place
    reason: str


def send_again(
    settings: KafkaSettings, log: DeadLetterLog, letters: Sequence[StoredLetter], clock_ns: Callable[[], int]
) -> tuple[int, list[Refused]]:
    """Send the original bytes with the original key to the partition that they came from, then a receipt.

    If this process dies in between, a record is there without its receipt and may be sent once more. As
    with every repeat, the stages drop a frame that they have seen.

    Args:
        settings: The broker.
        log: Where the bytes are.
        letters: Which; several about one record send it once.
        clock_ns: Unix time in nanoseconds, for the receipts.

    Returns:
        How many records were sent, and those that the broker refused, which get no receipt.

    Raises:
        SightlineError: No broker answers, a topic is missing, or a letter is gone by retention.
    """
    counts = require_topics(settings, {stored.letter.topic for stored in letters})
    client = producer(
        settings, client_id="sightline-dead-letters", compression="lz4", delivery_timeout_s=30.0
    )
    by_origin: dict[Place, list[StoredLetter]] = {}
    for stored in letters:
        by_origin.setdefault(stored.origin, []).append(stored)
    refused: list[Refused] = []
    for group in _groups([same[0] for same in by_origin.values()]):
        failures = _send_group(client, log, group, counts)
        done = [
            each for stored in group if stored.origin not in failures for each in by_origin[stored.origin]
        ]
        _send_receipts(client, done, clock_ns)
        refused += [Refused(place, reason) for place, reason in failures.items()]
    return len(by_origin) - len(refused), refused


def _groups(letters: Sequence[StoredLetter]) -> Iterator[list[StoredLetter]]:
    """The letters in the order of their topic, some at a time."""
    group: list[StoredLetter] = []
    size_bytes = 0
    for stored in sorted(letters, key=lambda stored: stored.at):
        if group and (len(group) >= _GROUP_LETTERS or size_bytes + stored.size_bytes > _GROUP_BYTES):
            yield group
            group, size_bytes = [], 0
        group.append(stored)
        size_bytes += stored.size_bytes
    if group:
        yield group


def _send_group(
    client: Producer, log: DeadLetterLog, group: Sequence[StoredLetter], counts: dict[str, int]
) -> dict[Place, str]:
    """Send the records; returns why some were refused."""
    failures: dict[Place, str] = {}
    for stored, value in log.values(group):
        place = stored.origin
        if not stored.letter.is_whole:
            failures[place] = f"the letter holds only a part of its {stored.size_bytes} bytes"
        elif place.partition >= counts[place.topic]:
            failures[place] = f"the topic has {counts[place.topic]} partitions"
        else:
            _send(client, place.topic, place.partition, stored, value, [], failures)
    client.flush()  # each is delivered or given up within the time-out
    return failures


def _send_receipts(client: Producer, letters: Sequence[StoredLetter], clock_ns: Callable[[], int]) -> None:
    for stored in letters:
        headers = receipt_headers(stored, clock_ns())
        # Behind the letter, in its partition: so no reader meets a receipt before its letter.
        _send(client, DEAD_LETTERS.name, stored.at.partition, stored, None, headers, {})
    client.flush()


def _send(
    client: Producer,
    topic: str,
    partition: int,
    stored: StoredLetter,
    value: bytes | None,
    headers: Headers,
    failures: dict[Place, str],
) -> None:
    def answered(error: KafkaError | None, _: Any) -> None:
        if error is not None:
            failures[stored.origin] = error.str()

    client.produce(topic, value, stored.letter.key, partition, on_delivery=answered, headers=[*headers])
    client.poll(0)

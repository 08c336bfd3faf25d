"""The one place that builds Kafka producers, consumers and admin clients from settings.

Every client partitions with murmur2, as Java's clients do, so that all parts put a stream's records on the
same partition. What librdkafka has to say goes to the standard logger `sightline.kafka`.
"""

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, ClusterMetadata  # type: ignore[attr-defined] # not in its __all__

from schemas import topics
from sightline.errors import SightlineError
from sightline.settings import KafkaSettings

Compression = Literal["none", "lz4", "zstd"]
Config = dict[str, Any]

INFER_GROUP: Final = "sightline-infer"
TRACK_GROUP: Final = "sightline-track"
WRITE_GROUP: Final = "sightline-write"

MAX_RECORD_BYTES: Final = max(topic.max_message_bytes for topic in topics.ALL)

DEFAULT_BATCH_BYTES: Final = 1_000_000

_REPEAT_S: Final = 30.0
_MAX_SAID: Final = 100
_DIGITS: Final = re.compile(r"\d+")
_CHOSEN: Final = "enable.gapless.guarantee is experimental"  # librdkafka says so at each start

_LOST_PLACE: Final = frozenset({KafkaError._FATAL, KafkaError._FENCED, KafkaError.FENCED_INSTANCE_ID})
_REFUSED: Final = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED})


class SeldomLogger:
    """Takes a client's log lines to the logger `sightline.kafka`, those that differ in numbers alone seldom.

    A client without its broker would else write several lines a second. It stands in for a `logging.Logger`.

    Args:
        monotonic: Seconds on a steady clock.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._logger = logging.getLogger("sightline.kafka")
        self._said_s: dict[str, float] = {}

    def log(self, level: int, message: str, *values: object) -> None:
        """Log as `logging.Logger.log` does, unless the like was said within `_REPEAT_S`, or is known."""
        text = message % values if values else message
        if _CHOSEN in text:
            return
        what, now_s = _DIGITS.sub("", text), self._monotonic()
        if now_s - self._said_s.get(what, -_REPEAT_S) < _REPEAT_S:
            return
        if len(self._said_s) >= _MAX_SAID:
            self._said_s.clear()
        self._said_s[what] = now_s
        self._logger.log(level, "%s", text)


def producer_config(
    settings: KafkaSettings,
    *,
    client_id: str,
    compression: Compression = "none",
    delivery_timeout_s: float | None = None,
    gapless: bool = False,
    linger_ms: float = 2.0,
    max_queue_messages: int = 100_000,
    max_queue_mib: int = 128,
    max_batch_bytes: int = DEFAULT_BATCH_BYTES,
) -> Config:
    """The librdkafka settings of an idempotent producer.

    Args:
        settings: The broker.
        client_id: Name of this client in the broker's logs and metrics.
        compression: "none" for JPEGs, which do not shrink; "lz4" for everything else.
        delivery_timeout_s: A record that is not stored after this fails; 0 is never. Unset takes the
            setting `kafka.delivery_timeout_s`, which suits stages that the broker can fence.
        gapless: Never store a record of a partition without those before it: none is given up by time, and
            once the broker has refused one for good, the producer sends nothing more.
        linger_ms: How long a record waits for company, in milliseconds.
        max_queue_messages: Records held for the broker; over it `produce` raises `BufferError`.
        max_queue_mib: The same in MiB.
        max_batch_bytes: Most bytes that share a batch. A broker refuses a batch over `max.message.bytes`
            whole, however small its records are; 0 where that is not known sends each alone.
    """
    timeout_s = settings.delivery_timeout_s if delivery_timeout_s is None else delivery_timeout_s
    # librdkafka's own guarantee does not cover a record that times out: those behind it are still sent.
    unbroken = {"enable.gapless.guarantee": True, "delivery.timeout.ms": 0} if gapless else {}
    return _common(settings, client_id) | {
        "partitioner": "murmur2_random",
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": compression,
        "delivery.timeout.ms": int(timeout_s * 1000),
        "linger.ms": linger_ms,
        "queue.buffering.max.messages": max_queue_messages,
        "queue.buffering.max.kbytes": max_queue_mib * 1024,
        **unbroken,
        "batch.size": max(1, min(DEFAULT_BATCH_BYTES, max_batch_bytes)),
    }


def producer(settings: KafkaSettings, **options: Any) -> Producer:
    """An idempotent producer with acknowledgements from all replicas; options as of `producer_config`."""
    return Producer(producer_config(settings, **options), logger=SeldomLogger())


def consumer_config(
    settings: KafkaSettings,
    *,
    client_id: str,
    group: str,
    instance_id: str | None = None,
    start: Literal["earliest", "latest"] = "earliest",
    max_queue_mib: int = 64,
) -> Config:
    """The librdkafka settings of a group member that commits by itself only what it is told to.

    Args:
        settings: The broker.
        client_id: Name of this client in the broker's logs and metrics.
        group: The consumer group.
        instance_id: For static membership: a restart within the session time-out moves no partition.
        start: Where a partition without a commit begins.
        max_queue_mib: Most records fetched ahead, in MiB.
    """
    config = _common(settings, client_id) | {
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": start,
        "session.timeout.ms": int(settings.session_timeout_s * 1000),
        "heartbeat.interval.ms": int(settings.session_timeout_s * 1000 / 4),
        "queued.max.messages.kbytes": max_queue_mib * 1024,
        "fetch.max.bytes": 2 * MAX_RECORD_BYTES,
        "fetch.wait.max.ms": 100,
        "fetch.error.backoff.ms": 100,
    }
    return config | ({"group.instance.id": instance_id} if instance_id else {})


def consumer(
    settings: KafkaSettings, *, overrides: Mapping[str, Any] | None = None, **options: Any
) -> Consumer:
    """A consumer; options as of `consumer_config`, `overrides` are librdkafka's own names."""
    return Consumer(consumer_config(settings, **options) | dict(overrides or {}), logger=SeldomLogger())


def admin(settings: KafkaSettings, *, client_id: str = "sightline-admin") -> AdminClient:
    """An admin client."""
    return AdminClient(_common(settings, client_id), logger=SeldomLogger())


def check_broker(client: AdminClient, settings: KafkaSettings, *, timeout_s: float = 5.0) -> ClusterMetadata:
    """What the cluster says about itself.

    Raises:
        SightlineError: No broker answered within timeout_s.
    """
    try:
        return client.list_topics(timeout=timeout_s)
    except KafkaException as error:
        raise unreachable(settings, error) from error


def unreachable(settings: KafkaSettings, error: KafkaException) -> SightlineError:
    """The error to show when the broker at `kafka.bootstrap` does not answer."""
    reason = error.args[0]
    text = reason.str() if isinstance(reason, KafkaError) else str(reason)
    return SightlineError(
        f"The Kafka broker at {settings.bootstrap} does not answer: {text}.",
        "Check the setting kafka.bootstrap and that the broker runs; `sightline doctor` tests it.",
    )


def is_final(error: KafkaError) -> bool:
    """Whether it is of no use for a group member to try again with this client.

    After some errors a client does nothing any more, and does not say of each that it is fatal.
    """
    return error.fatal() or error.code() in _LOST_PLACE | _REFUSED


def member_refused(error: KafkaError, member: str, setting: str) -> SightlineError:
    """What to show when a group member got an error with which it cannot go on.

    Args:
        error: The error.
        member: What it is, such as "writer".
        setting: The setting with its name in the group.
    """
    if error.code() not in _LOST_PLACE:
        return SightlineError(f"Kafka refused the {member}: {error.str()}.")
    # A client whose session ran out while the broker was away can also lose its place to itself.
    return SightlineError(
        f"This {member} has lost its place in the group: {error.str()}.",
        f"If the broker was away, start it again: it goes on where it stopped. Else another {member} has its"
        f" name: give each its own {setting}.",
    )


def _common(settings: KafkaSettings, client_id: str) -> Config:
    if not settings.bootstrap:
        raise SightlineError(
            "No Kafka broker is named.", "Set kafka.bootstrap (SIGHTLINE_KAFKA_BOOTSTRAP) to its host:port."
        )
    return {
        "bootstrap.servers": settings.bootstrap,
        "client.id": client_id,
        "message.max.bytes": MAX_RECORD_BYTES,
        "socket.nagle.disable": True,
        "socket.keepalive.enable": True,
        # The default of 10 s makes the return of a broker cost that much.
        "reconnect.backoff.max.ms": 1000,
        "log.connection.close": False,
        "statistics.interval.ms": 0,
    }

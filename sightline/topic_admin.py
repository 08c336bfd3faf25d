"""Makes the topics of `schemas/topics.py` on a broker and keeps existing ones in line with the settings."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Literal

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined] # public, though not in its __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from schemas.topics import ALL, Topic
from sightline.errors import SightlineError
from sightline.kafka_clients import admin, check_broker
from sightline.settings import KafkaSettings

_LOG = logging.getLogger(__name__)

REQUEST_TIMEOUT_S: Final = 30.0

_MIB: Final = 1024 * 1024


@dataclass(frozen=True)
class TopicResult:
    """What was done to one topic.

    Attributes:
        name: The topic.
        action: What was done.
        detail: What it has been set to or what was changed, for people; empty if nothing.
    """

    name: str
    action: Literal["created", "changed", "unchanged"]
    detail: str = ""


def topic_config(topic: Topic, settings: KafkaSettings) -> dict[str, str]:
    """The topic's configuration on the broker, by Kafka's names.

    Records are deleted, or compacted, by whole segments and never in the newest one. So segments are kept a
    fraction of what a topic may hold.
    """
    config = {
        "max.message.bytes": str(topic.max_message_bytes),
        # By the producer's clock a broker refuses records from a gateway whose clock is an hour ahead, and
        # deletes at once those of one whose clock is behind. Event time is in the messages.
        "message.timestamp.type": "LogAppendTime",
    }
    if topic.compacted:
        return config | {
            "cleanup.policy": "compact",
            "segment.bytes": str(16 * _MIB),
            "segment.ms": str(3600 * 1000),
        }
    retention_ms = max(1000, int(topic.retention_s * settings.retention_scale * 1000))
    kept_bytes = topic.retention_bytes
    segment_bytes = 1024 * _MIB if kept_bytes is None else min(1024 * _MIB, kept_bytes // 8)
    return config | {
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
        "retention.bytes": str(-1 if kept_bytes is None else kept_bytes),
        "segment.bytes": str(max(segment_bytes, 2 * topic.max_message_bytes)),
        "segment.ms": str(max(60_000, retention_ms // 4)),
    }


def apply_topics(settings: KafkaSettings, wanted: Sequence[Topic] = ALL) -> list[TopicResult]:
    """Create the topics that are missing and correct the configuration of those that differ.

    Safe to repeat, and to run from several places at once. Records are never moved.

    Args:
        settings: The broker, the number of partitions and replicas, and the scale of retention.
        wanted: The topics.

    Returns:
        One result for each topic, in the same order.

    Raises:
        SightlineError: No broker answers, it refuses, or a topic has another number of partitions; then
            nothing has been changed.
    """
    client = admin(settings)
    there = check_broker(client, settings).topics
    for topic in wanted:
        if topic.name in there:
            _check_partitions(topic.name, len(there[topic.name].partitions), settings.partitions)
    missing = [topic for topic in wanted if topic.name not in there]
    created = _create(client, missing, settings)
    changed = _correct(client, [topic for topic in wanted if topic.name not in created], settings)
    if created:
        require_topics(settings, created, client=client)
    return [_result(topic, settings, created, changed) for topic in wanted]


def require_topics(
    settings: KafkaSettings,
    names: Iterable[str],
    *,
    client: AdminClient | None = None,
    timeout_s: float = 10.0,
) -> dict[str, int]:
    """Wait until each topic is there and every partition of it has a leader.

    Returns:
        The number of partitions of each topic.

    Raises:
        SightlineError: No broker answers, or a topic is not ready within timeout_s.
    """
    client = client or admin(settings)
    wanted = set(names)
    deadline = time.monotonic() + timeout_s
    while True:
        found = {
            name: len(topic.partitions)
            for name, topic in check_broker(client, settings).topics.items()
            if name in wanted
            and topic.partitions
            and all(partition.leader >= 0 for partition in topic.partitions.values())
        }
        if found.keys() == wanted:
            return found
        if time.monotonic() > deadline:
            missing = ", ".join(sorted(wanted - found.keys()))
            raise SightlineError(
                f"The broker at {settings.bootstrap} has no topic {missing}, or it has no leader.",
                "Run `sightline topics apply`.",
            )
        time.sleep(0.1)


def largest_records(settings: KafkaSettings, names: Iterable[str]) -> dict[str, int]:
    """`max.message.bytes` of topics on the broker, of those that this client may ask about."""
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    found = {}
    client = admin(settings)  # held until all is answered: a client that is gone answers nothing
    for resource, future in client.describe_configs(resources, request_timeout=10.0).items():
        try:
            found[resource.name] = int(future.result(REQUEST_TIMEOUT_S)["max.message.bytes"].value)
        except (KafkaException, KeyError, ValueError) as error:
            _LOG.info("The broker does not tell how large a record of %s may be: %s", resource.name, error)
    return found


def _check_partitions(name: str, there: int, wanted: int) -> None:
    if there != wanted:
        raise SightlineError(
            f"The topic {name} has {there} partitions where kafka.partitions says {wanted}. Another number "
            "would send streams to other partitions than their records so far.",
            f"Set kafka.partitions to {there}, or use an empty cluster.",
        )


def _create(client: AdminClient, missing: Sequence[Topic], settings: KafkaSettings) -> set[str]:
    if not missing:
        return set()
    requests = [
        NewTopic(
            topic.name,
            num_partitions=settings.partitions,
            replication_factor=settings.replication,
            config=topic_config(topic, settings),
        )
        for topic in missing
    ]
    created = set()
    for name, future in client.create_topics(requests, request_timeout=REQUEST_TIMEOUT_S).items():
        try:
            future.result(REQUEST_TIMEOUT_S)
            created.add(name)
        except KafkaException as error:
            # Somebody else was quicker; the topic is corrected below like any that was there.
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise _refused(f"create the topic {name}", error) from error
    return created


def _correct(
    client: AdminClient, existing: Sequence[Topic], settings: KafkaSettings
) -> Mapping[str, Mapping[str, tuple[str | None, str]]]:
    """Set what differs; returns (before, after) of each option that was changed, by topic."""
    if not existing:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, topic.name) for topic in existing]
    described = client.describe_configs(resources, request_timeout=REQUEST_TIMEOUT_S)
    now = {resource.name: _answer(future, resource.name) for resource, future in described.items()}
    changes: dict[str, dict[str, tuple[str | None, str]]] = {}
    for topic in existing:
        options = now[topic.name]
        for option, value in topic_config(topic, settings).items():
            before = options[option].value if option in options else None
            if before != value:
                changes.setdefault(topic.name, {})[option] = (before, value)
    for name, options in changes.items():
        _set(client, name, {option: after for option, (_, after) in options.items()})
    return changes


def _set(client: AdminClient, name: str, options: Mapping[str, str]) -> None:
    entries = [
        ConfigEntry(option, value, incremental_operation=AlterConfigOpType.SET)
        for option, value in options.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
    for future in client.incremental_alter_configs([resource], request_timeout=REQUEST_TIMEOUT_S).values():
        _answer(future, name)


def _answer(future: "Future[Any]", name: str) -> Any:
    try:
        return future.result(REQUEST_TIMEOUT_S)
    except KafkaException as error:
        raise _refused(f"read or change the topic {name}", error) from error


def _refused(what: str, error: KafkaException) -> SightlineError:
    return SightlineError(
        f"The broker refused to {what}: {error.args[0].str()}.",
        "Check kafka.replication against the number of brokers, and the rights of this client.",
    )


def _result(
    topic: Topic,
    settings: KafkaSettings,
    created: set[str],
    changed: Mapping[str, Mapping[str, tuple[str | None, str]]],
) -> TopicResult:
    if topic.name in created:
        return TopicResult(
            topic.name,
            "created",
            f"{settings.partitions} partitions, {settings.replication} replicas each",
        )
    if topic.name in changed:
        parts = [f"{option}: {before} -> {after}" for option, (before, after) in changed[topic.name].items()]
        return TopicResult(topic.name, "changed", ", ".join(parts))
    return TopicResult(topic.name, "unchanged")

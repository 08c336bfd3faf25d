"""Checks the stage's topics before anything is read, and makes the changelog."""

import logging
import time
from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stub re-exports by plain import
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
    TopicMetadata,
)

from sightline.errors import SightlineError
from sightline.stateful.stage import DriverConfig

_LOG = logging.getLogger("sightline.stateful")
_CREATED_WAIT_S = 3.0  # a broker learns of a topic that was just made a little later
# Small segments, early compaction: what a new owner reads stays near one snapshot of each key.
_CHANGELOG_CONFIG = {
    "cleanup.policy": "compact",
    "segment.bytes": str(16 * 1024 * 1024),
    "segment.ms": "600000",
    "min.cleanable.dirty.ratio": "0.2",
    "max.compaction.lag.ms": "3600000",
    "delete.retention.ms": "86400000",
}


def prepare_topics(
    input_topic: str, output_topics: Sequence[str], changelog_topic: str, config: DriverConfig
) -> Mapping[str, int]:
    """Check that all topics exist and fit together, and create the changelog if it is missing.

    Returns:
        The partition count of each topic.

    Raises:
        SightlineError: No broker within `start_timeout_s`; a topic is missing, has another partition
            count than the input, or the changelog is not compacted only.
    """
    admin = AdminClient({"bootstrap.servers": config.bootstrap, "socket.timeout.ms": 10_000}, logger=_LOG)
    wanted = (input_topic, *output_topics, config.dead_letter_topic)
    found = _describe(admin, config)
    until_s = time.monotonic() + _CREATED_WAIT_S
    while missing := [topic for topic in wanted if topic not in found]:
        if time.monotonic() > until_s:
            raise SightlineError(
                f"Topic {missing[0]} does not exist on {config.bootstrap}.", "Run `sightline topics apply`."
            )
        time.sleep(0.2)
        found = _describe(admin, config)
    counts = {name: len(topic.partitions) for name, topic in found.items()}
    for topic in output_topics:
        _check_count(topic, counts[topic], input_topic, counts[input_topic])
    if changelog_topic in found:
        _check_count(changelog_topic, counts[changelog_topic], input_topic, counts[input_topic])
        _check_policy(admin, changelog_topic)
    else:
        _create(admin, changelog_topic, found[input_topic], config)
    counts[changelog_topic] = counts[input_topic]
    return counts


def _describe(admin: AdminClient, config: DriverConfig) -> Mapping[str, TopicMetadata]:
    until_s = time.monotonic() + config.start_timeout_s
    while True:
        try:
            topics: Mapping[str, TopicMetadata] = admin.list_topics(timeout=5).topics
            return topics
        except KafkaException as error:
            if time.monotonic() > until_s:
                raise SightlineError(
                    f"No Kafka broker answers at {config.bootstrap}: {error.args[0].str()}.",
                    "Check the address and that the broker runs.",
                ) from error
            _LOG.warning("Waiting for Kafka at %s", config.bootstrap)


def _check_count(topic: str, count: int, input_topic: str, wanted: int) -> None:
    if count != wanted:
        raise SightlineError(
            f"Topic {topic} has {count} partitions, but {input_topic} has {wanted}: a stream must have the"
            " same partition number in both.",
            "Make their partition counts equal with `sightline topics apply`.",
        )


def _check_policy(admin: AdminClient, topic: str) -> None:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    policy = admin.describe_configs([resource])[resource].result(30)["cleanup.policy"].value
    if policy != "compact":
        raise SightlineError(
            f"The changelog {topic} has cleanup.policy={policy}: Kafka would delete states.",
            "Set cleanup.policy=compact on it.",
        )


def _create(admin: AdminClient, topic: str, like: TopicMetadata, config: DriverConfig) -> None:
    replication = min(len(partition.replicas) for partition in like.partitions.values())
    settings = _CHANGELOG_CONFIG | {"max.message.bytes": str(config.max_snapshot_bytes + 64 * 1024)}
    new = NewTopic(
        topic, num_partitions=len(like.partitions), replication_factor=replication, config=settings
    )
    try:
        admin.create_topics([new])[topic].result(30)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another worker was faster
            raise SightlineError(
                f"Cannot create the changelog {topic}: {error.args[0].str()}.",
                "Check the broker's log and the rights of this user.",
            ) from error

"""What the shared Kafka clients are set to, and that they keep their voice down."""

import logging

import pytest

from schemas import topics
from schemas.topics import Topic
from sightline.errors import SightlineError
from sightline.kafka_clients import MAX_RECORD_BYTES, SeldomLogger, consumer_config, producer, producer_config
from sightline.settings import KafkaSettings
from sightline.topic_admin import topic_config

SETTINGS = KafkaSettings(bootstrap="127.0.0.1:9", delivery_timeout_s=8, session_timeout_s=12)


def test_producers_are_idempotent_and_partition_as_java_does() -> None:
    config = producer_config(SETTINGS, client_id="x")
    assert config["partitioner"] == "murmur2_random"
    assert config["enable.idempotence"] is True
    assert config["acks"] == "all"
    assert config["delivery.timeout.ms"] == 8000
    assert config["message.max.bytes"] == MAX_RECORD_BYTES == max(t.max_message_bytes for t in topics.ALL)
    assert producer_config(SETTINGS, client_id="x", delivery_timeout_s=0)["delivery.timeout.ms"] == 0


def test_a_producer_without_gaps_gives_no_record_up_and_stops_for_good_when_one_is_refused() -> None:
    config = producer_config(SETTINGS, client_id="x", gapless=True)
    assert config["delivery.timeout.ms"] == 0
    assert config["enable.gapless.guarantee"] is True
    assert config["enable.idempotence"] is True
    assert "enable.gapless.guarantee" not in producer_config(SETTINGS, client_id="x")


def test_nothing_is_said_about_a_setting_that_we_chose(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "sightline.kafka"):
        client = producer(SETTINGS, client_id="x", gapless=True)
        client.poll(0.2)
    assert "gapless" not in caplog.text


def test_consumers_commit_only_what_they_are_told_to() -> None:
    config = consumer_config(SETTINGS, client_id="x", group="g")
    assert config["enable.auto.commit"] is False
    assert config["enable.auto.offset.store"] is False
    assert config["session.timeout.ms"] == 12_000
    assert "group.instance.id" not in config
    assert consumer_config(SETTINGS, client_id="x", group="g", instance_id="a")["group.instance.id"] == "a"


def test_without_a_broker_they_say_which_setting_is_missing() -> None:
    with pytest.raises(SightlineError, match="No Kafka broker is named"):
        producer_config(KafkaSettings(), client_id="x")


def test_lines_that_differ_in_numbers_alone_are_said_once_in_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = iter([0.0, 1.0, 2.0, 40.0])
    logger = SeldomLogger(clock.__next__)
    with caplog.at_level(logging.INFO, "sightline.kafka"):
        for line in ("refused after 1 ms", "refused after 2 ms", "another", "refused after 3 ms"):
            logger.log(logging.ERROR, "%s: %s", "FAIL", line)
    assert [record.getMessage() for record in caplog.records] == [
        "FAIL: refused after 1 ms",
        "FAIL: another",
        "FAIL: refused after 3 ms",
    ]


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda topic: topic.name)
@pytest.mark.parametrize("scale", [0.001, 1.0, 100.0])
def test_segments_are_smaller_than_what_a_topic_keeps_and_hold_its_largest_record(
    topic: Topic, scale: float
) -> None:
    config = topic_config(topic, SETTINGS.model_copy(update={"retention_scale": scale}))
    assert int(config["segment.bytes"]) > topic.max_message_bytes
    if topic.retention_bytes is not None:
        assert int(config["segment.bytes"]) * 4 <= topic.retention_bytes
    if not topic.compacted:
        assert int(config["retention.ms"]) == max(1000, int(topic.retention_s * scale * 1000))
    assert config["cleanup.policy"] == ("compact" if topic.compacted else "delete")

"""Topics on a real broker: made once, corrected where they differ, and never repartitioned."""

import time
import uuid

import pytest
from confluent_kafka import KafkaError, Message
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from schemas import topics
from schemas.topics import Topic
from sightline.errors import SightlineError
from sightline.kafka_clients import producer
from sightline.settings import KafkaSettings
from sightline.stack.kafka import LocalKafka
from sightline.topic_admin import TopicResult, apply_topics, require_topics


def own_topics() -> list[Topic]:
    name = uuid.uuid4().hex
    return [
        Topic(
            name=f"{name}.frames", purpose="", retention_s=100, retention_bytes=2**31, max_message_bytes=2**24
        ),
        Topic(name=f"{name}.latest", purpose="", compacted=True),
    ]


def settings_for(kafka: LocalKafka, **values: object) -> KafkaSettings:
    return KafkaSettings(bootstrap=kafka.bootstrap, partitions=3).model_copy(update=values)


def options_of(kafka: LocalKafka, name: str) -> dict[str, str | None]:
    client = AdminClient({"bootstrap.servers": kafka.bootstrap})
    (future,) = client.describe_configs([ConfigResource(ResourceType.TOPIC, name)]).values()
    return {option: entry.value for option, entry in future.result(30).items()}


def test_missing_topics_are_made_with_their_limits_and_the_second_time_nothing_happens(
    kafka: LocalKafka,
) -> None:
    frames, latest = wanted = own_topics()
    settings = settings_for(kafka, retention_scale=0.5)
    made = apply_topics(settings, wanted)
    assert made == [TopicResult(topic.name, "created", "3 partitions, 1 replicas each") for topic in wanted]
    assert require_topics(settings, [topic.name for topic in wanted]) == {frames.name: 3, latest.name: 3}
    options = options_of(kafka, frames.name)
    assert options["retention.ms"] == "50000"
    assert options["retention.bytes"] == str(2**31)
    assert options["max.message.bytes"] == str(2**24)
    assert options["cleanup.policy"] == "delete"
    assert options_of(kafka, latest.name)["cleanup.policy"] == "compact"
    assert [each.action for each in apply_topics(settings, wanted)] == ["unchanged"] * 2


@pytest.mark.parametrize("off_s", [7_200, -30 * 86_400])
def test_records_of_a_gateway_whose_clock_is_wrong_are_taken_and_kept_by_the_brokers_clock(
    kafka: LocalKafka, off_s: int
) -> None:
    frames, _ = wanted = own_topics()
    apply_topics(settings_for(kafka), wanted)
    answers: list[tuple[KafkaError | None, float]] = []

    def answered(error: KafkaError | None, message: Message) -> None:
        answers.append((error, message.timestamp()[1] / 1000))

    client = producer(settings_for(kafka), client_id="test")
    client.produce(
        frames.name, b"x", b"cam", timestamp=int((time.time() + off_s) * 1000), on_delivery=answered
    )
    client.flush(20)
    ((error, stored_at_s),) = answers
    assert error is None
    assert abs(stored_at_s - time.time()) < 60


def test_what_differs_is_corrected_and_told(kafka: LocalKafka) -> None:
    wanted = own_topics()
    apply_topics(settings_for(kafka), wanted)
    frames, latest = apply_topics(settings_for(kafka, retention_scale=3.0), wanted)
    assert frames.action == "changed"
    assert "retention.ms: 100000 -> 300000" in frames.detail
    assert latest.action == "unchanged"
    assert options_of(kafka, wanted[0].name)["retention.ms"] == "300000"


def test_another_number_of_partitions_is_refused_and_nothing_is_changed(kafka: LocalKafka) -> None:
    wanted = own_topics()
    apply_topics(settings_for(kafka), wanted[:1])
    with pytest.raises(SightlineError, match=r"has 3 partitions where kafka\.partitions says 5"):
        apply_topics(settings_for(kafka, partitions=5, retention_scale=9.0), wanted)
    assert options_of(kafka, wanted[0].name)["retention.ms"] == "100000"
    with pytest.raises(SightlineError, match=f"no topic {wanted[1].name}"):
        require_topics(settings_for(kafka), [wanted[1].name], timeout_s=0.5)


def test_more_replicas_than_brokers_is_a_clear_error(kafka: LocalKafka) -> None:
    with pytest.raises(SightlineError, match="refused to create the topic"):
        apply_topics(settings_for(kafka, replication=3), own_topics())


def test_the_topics_of_the_schema_are_accepted_by_a_broker(kafka: LocalKafka) -> None:
    settings = KafkaSettings(bootstrap=kafka.bootstrap)
    apply_topics(settings)
    assert [each.action for each in apply_topics(settings)] == ["unchanged"] * len(topics.ALL)


def test_a_broker_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(SightlineError, match=r"broker at 127\.0\.0\.1:1 does not answer"):
        apply_topics(KafkaSettings(bootstrap="127.0.0.1:1"))
    with pytest.raises(SightlineError, match="No Kafka broker is named"):
        apply_topics(KafkaSettings())

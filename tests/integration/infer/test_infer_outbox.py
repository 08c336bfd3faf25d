"""What a real broker refuses for good: nothing is stored behind it, and the reason is told."""

import asyncio
import os

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import NewTopic

from processors.infer.outbox import Outbox
from sightline.errors import SightlineError
from sightline.kafka_clients import admin, producer
from sightline.settings import KafkaSettings
from sightline.stack.kafka import LocalKafka

LIMIT_BYTES = 10_000


@pytest.mark.parametrize("gapless", [True, False])
def test_behind_a_record_that_is_refused_nothing_is_stored(kafka: LocalKafka, gapless: bool) -> None:
    settings = KafkaSettings(bootstrap=kafka.bootstrap)
    topic = f"outbox-{gapless}"
    limits = {"max.message.bytes": str(LIMIT_BYTES)}
    making = admin(settings)
    making.create_topics([NewTopic(topic, 1, config=limits)])[topic].result()
    outbox = Outbox(producer(settings, client_id="test", gapless=gapless))
    stored: list[int] = []

    def send(number: int, value: bytes) -> None:
        asyncio.run(outbox.send(topic, 0, b"gate", value, [], lambda: stored.append(number)))
        outbox.flush(30)

    send(0, b"small")
    send(1, os.urandom(3 * LIMIT_BYTES))
    with pytest.raises(SightlineError, match=f"did not take a record.*{topic}.*too large"):
        outbox.poll()
    # What was queued before the worker heard of the refusal; it takes nothing more after it.
    if gapless:
        with pytest.raises(SightlineError, match="too large"):
            send(2, b"small")
    else:
        send(2, b"small")
    reader = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "outbox"})
    end = reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[1]
    reader.close()
    assert end == (1 if gapless else 2)
    assert stored == ([0] if gapless else [0, 2])

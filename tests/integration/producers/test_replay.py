"""The load generator on a real broker."""

import uuid

from producers.replay import run_replay
from schemas.detections import Detections
from schemas.topics import DETECTIONS
from sightline.settings import KafkaSettings, Settings
from sightline.stack.kafka import LocalKafka
from sightline.topic_admin import apply_topics
from tests.integration.producers.reading import last_status, read_stream


def test_it_publishes_what_it_says_in_order_for_each_stream(kafka: LocalKafka) -> None:
    settings = Settings(kafka=KafkaSettings(bootstrap=kafka.bootstrap))
    apply_topics(settings.kafka)
    prefix = f"replay-{uuid.uuid4().hex[:8]}"
    counts = run_replay(settings, streams=7, frames_per_s=400, seconds=1.5, prefix=prefix)
    assert (counts["captured"], counts["published"]) == (600, 600)
    names = [f"{prefix}-{number:03d}" for number in range(7)]
    records = read_stream(kafka.bootstrap, DETECTIONS.name, {name.encode() for name in names})
    assert len(records) == 600
    seqs: dict[str, list[int]] = {name: [] for name in names}
    for record in records:
        message = Detections.from_bytes(record.value)
        seqs[message.stream_id].append(message.seq)
        assert len(message.boxes) == 5
    for found in seqs.values():
        assert found == list(range(len(found)))
    status = last_status(kafka.bootstrap, names[3])
    assert (status.state, status.counters["published"]) == ("ended", len(seqs[names[3]]))

"""The writer's world: the shared broker with the topics on it, settings, and a sender."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from writer_world import Sender

from sightline.settings import KafkaSettings, Settings, WriteSettings
from sightline.stack.kafka import LocalKafka
from sightline.topic_admin import apply_topics


@pytest.fixture(scope="session")
def writer_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A broker of the writer's own: its topics and its group have fixed names."""
    with LocalKafka(tmp_path_factory.mktemp("writer-kafka")) as broker:
        apply_topics(KafkaSettings(bootstrap=broker.bootstrap, partitions=4))
        yield broker


@pytest.fixture(scope="session")
def writer_settings(writer_kafka: LocalKafka) -> Settings:
    """Settings of a writer; a short session, so that a killed member is not waited for."""
    return Settings(
        kafka=KafkaSettings(bootstrap=writer_kafka.bootstrap, partitions=4, session_timeout_s=6),
        write=WriteSettings(max_batch_delay_s=0.1),
    )


@pytest.fixture
def settings(writer_settings: Settings) -> Settings:
    """Settings of a writer."""
    return writer_settings


@pytest.fixture
def sender(writer_kafka: LocalKafka) -> Sender:
    """Publishes to the broker."""
    return Sender(writer_kafka.bootstrap)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder

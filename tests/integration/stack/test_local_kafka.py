"""The local Kafka on a real broker: its own one where it is killed, else the shared one."""

import os
import socket
import uuid
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # not in its __all__

from sightline.errors import SightlineError
from sightline.stack import kafka as kafka_module
from sightline.stack.kafka import KafkaOptions, LocalKafka
from sightline.stack.ports import free_ports


def make_topic(bootstrap: str) -> str:
    topic = f"test-{uuid.uuid4().hex}"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    return topic


def produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    failures: list[object] = []
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    for value in values:
        producer.produce(
            topic, value, on_delivery=lambda error, _message: failures.append(error) if error else None
        )
    assert producer.flush(30) == 0
    assert failures == []


def consume(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        messages: list[Message] = consumer.consume(count, timeout=30)
        return [message.value() or b"" for message in messages if message.error() is None]
    finally:
        consumer.close()


def test_what_is_produced_can_be_consumed(kafka: LocalKafka) -> None:
    topic = make_topic(kafka.bootstrap)
    values = [f"value {number}".encode() for number in range(100)]
    produce(kafka.bootstrap, topic, values)
    assert consume(kafka.bootstrap, topic, 100) == values


def test_it_listens_on_loopback_only(kafka: LocalKafka) -> None:
    listening = [
        each.laddr.ip.removeprefix("::ffff:")
        for each in psutil.Process(kafka.pid).net_connections()
        if each.status == psutil.CONN_LISTEN
    ]
    assert len(listening) == 2
    assert set(listening) == {"127.0.0.1"}


def test_topics_are_not_made_by_asking_for_them(kafka: LocalKafka) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "message.timeout.ms": 3000})
    failures: list[str] = []
    producer.produce("never-made", b"x", on_delivery=lambda error, _message: failures.append(str(error)))
    producer.flush(30)
    assert len(failures) == 1
    assert failures != ["None"]
    assert (
        "never-made" not in AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=10).topics
    )


def test_after_kill_9_the_same_folder_has_the_same_data_on_the_same_port(tmp_path: Path) -> None:
    broker = LocalKafka(tmp_path / "kafka")
    with broker:
        bootstrap, first_pid = broker.bootstrap, broker.pid
        topic = make_topic(bootstrap)
        produce(bootstrap, topic, [b"before"])
        os.kill(first_pid, 9)
        broker.kill()
        assert broker.exit_code() == -9
        broker.start()
        broker.wait_ready()
        assert broker.pid != first_pid
        assert broker.bootstrap == bootstrap
        produce(bootstrap, topic, [b"after"])
        assert consume(bootstrap, topic, 2) == [b"before", b"after"]
    assert not psutil.pid_exists(broker.pid)

    with LocalKafka(tmp_path / "kafka") as again:
        assert again.bootstrap == bootstrap
        assert consume(bootstrap, topic, 2) == [b"before", b"after"]


def test_a_port_that_another_program_took_meanwhile_is_given_up_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        choices = [(taken, *free_ports(1)), free_ports(2)]
        broker = LocalKafka(tmp_path)
        broker.prepare()
        monkeypatch.setattr(kafka_module, "free_ports", lambda _count, _preferred: choices.pop(0))
        with broker:
            assert choices == []
            assert broker.bootstrap != f"127.0.0.1:{taken}"
            make_topic(broker.bootstrap)


def test_data_of_another_node_is_refused_with_the_reason_from_the_log(tmp_path: Path) -> None:
    broker = LocalKafka(tmp_path)
    broker.prepare()
    properties = tmp_path / "log" / "meta.properties"
    properties.write_text(properties.read_text().replace("node.id=1", "node.id=7"))
    with (
        pytest.raises(SightlineError, match=r"kafka ended while starting.*node id 7 doesn't match") as caught,
        broker,
    ):
        pytest.fail("it started")
    assert str(broker.log_path) in caught.value.fix


def test_a_heap_that_java_cannot_give_is_said(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match=r"Cannot format .* for Kafka: .*heap"):
        LocalKafka(tmp_path, KafkaOptions(heap_mb=1)).prepare()

"""Reads what a gateway has put into real topics, and says on which partition it belongs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.streams import StreamStatus
from schemas.topics import STREAMS

_LEADER_UNKNOWN = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


@dataclass(frozen=True)
class Record:
    partition: int
    offset: int
    key: bytes
    value: bytes


def read_stream(bootstrap: str, topic: str, keys: set[bytes]) -> list[Record]:
    """All records of a topic with these keys, by partition and offset, up to its end as of now."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reading", "enable.auto.commit": False})
    try:
        partitions = consumer.list_topics(topic, timeout=20).topics[topic].partitions
        ends = {number: _watermarks(consumer, TopicPartition(topic, number)) for number in partitions}
        left = {number: high for number, (low, high) in ends.items() if high > low}
        consumer.assign([TopicPartition(topic, number, ends[number][0]) for number in left])
        found = []
        deadline = time.monotonic() + 60
        while left:
            assert time.monotonic() < deadline, f"{topic} could not be read to its end: {left}"
            message = consumer.poll(0.2)
            for position in consumer.position([TopicPartition(topic, number) for number in left]):
                if position.offset >= left[position.partition]:
                    del left[position.partition]
            if message is None or message.error():
                continue
            number, offset = message.partition(), message.offset()
            assert number is not None
            assert offset is not None
            if message.key() in keys:
                found.append(Record(number, offset, message.key() or b"", message.value() or b""))
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        consumer.close()


def _watermarks(consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
    """First and next offset; a broker that just made a topic may not know yet that it leads it."""
    deadline = time.monotonic() + 20
    while True:
        try:
            low, high = consumer.get_watermark_offsets(partition, timeout=20)
        except KafkaException as error:
            if error.args[0].code() not in _LEADER_UNKNOWN or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return low, high


def last_status(bootstrap: str, stream_id: str) -> StreamStatus:
    """The newest capture status of a stream; also that it is where a key belongs."""
    records = read_stream(bootstrap, STREAMS.name, {f"{stream_id}/capture".encode()})
    assert {record.partition for record in records} == {murmur2(f"{stream_id}/capture".encode()) % 8}
    return StreamStatus.from_bytes(records[-1].value)


def murmur2(data: bytes) -> int:
    """Kafka's hash of a key (`org.apache.kafka.common.utils.Utils.murmur2`, made positive), from its rules:
    MurmurHash2 of Austin Appleby, 32 bits, seed 0x9747b28c."""
    mask, factor = 0xFFFFFFFF, 0x5BD1E995
    state = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * factor & mask
        word = (word ^ word >> 24) * factor & mask
        state = (state * factor & mask) ^ word
    if data[whole:]:
        state = (state ^ int.from_bytes(data[whole:], "little")) * factor & mask
    state = (state ^ state >> 13) * factor & mask
    return (state ^ state >> 15) & 0x7FFFFFFF


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)

"""`sightline dead-letters` on a real broker: found, shown, sent again once, and by choice once more."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from schemas.dead_letters import DeadLetter
from schemas.topics import DEAD_LETTERS, DETECTIONS, FRAMES
from sightline.cli.app import run
from sightline.kafka_clients import producer
from sightline.settings import KafkaSettings
from sightline.stack.kafka import LocalKafka
from sightline.topic_admin import apply_topics

NOW_NS = 1_790_000_000_000_000_000
BAD = b"\x82\xa3seq\x07\xa4junk\xc4\x20" + bytes(32)


class World:
    """A broker whose topics are there, and the command line pointed at it."""

    def __init__(self, bootstrap: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.bootstrap = bootstrap
        self._capsys = capsys
        self._producer = producer(KafkaSettings(bootstrap=bootstrap), client_id="test")

    def letter(self, topic: str, partition: int, offset: int, value: bytes, **fields: object) -> str:
        """Put a dead letter into the topic, as a stage does; its place."""
        given = {"key": b"gate", "reason": "message: is bad", "stage": "infer", "at_ns": NOW_NS} | fields
        made = DeadLetter(value=value, topic=topic, partition=partition, offset=offset, **given)  # type: ignore[arg-type]
        self._producer.produce(DEAD_LETTERS.name, value, made.key, partition, headers=[*made.headers()])
        assert self._producer.flush(30) == 0
        return f"{topic}/{partition}/{offset}"

    def run(self, *arguments: str, code: int = 0) -> str:
        """What a command says; it must end with this exit code."""
        ended = run(["--set", f"kafka.bootstrap={self.bootstrap}", "dead-letters", *arguments])
        output = self._capsys.readouterr()
        assert ended == code, output.out + output.err
        return output.out + output.err

    def listed(self, *arguments: str) -> dict[str, dict]:
        """The letters by record, as JSON says them."""
        return {each["record"]: each for each in json.loads(self.run("list", "--json", *arguments))}

    def records(self, topic: str) -> list[tuple[int, bytes | None, bytes | None]]:
        """Partition, key and value of all that a topic holds."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "reader"})
        found = []
        for number in range(2):
            place = TopicPartition(topic, number, 0)
            _, end = consumer.get_watermark_offsets(place, timeout=10)
            consumer.assign([place])
            for _ in range(end):
                message = consumer.poll(10)
                assert message is not None
                assert message.error() is None
                found.append((number, message.key(), message.value()))
        consumer.close()
        return found


@pytest.fixture
def world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))  # nobody answers a question
    with LocalKafka(tmp_path / "kafka") as kafka:
        apply_topics(KafkaSettings(bootstrap=kafka.bootstrap, partitions=2))
        capsys.readouterr()
        yield World(kafka.bootstrap, capsys)


def test_letters_are_listed_shown_and_sent_again_once(world: World, tmp_path: Path) -> None:
    frame = world.letter(FRAMES.name, 1, 5, BAD, epoch=3, seq=7, stream_id="gate")
    later = world.letter(DETECTIONS.name, 0, 9, b"no message", key=None, stage="track", at_ns=NOW_NS + 1)
    world.letter(DETECTIONS.name, 0, 9, b"no message", key=None, stage="track", at_ns=NOW_NS + 2)

    assert list(world.listed()) == [frame, later]
    assert list(world.listed("--limit", "1")) == [later]
    assert list(world.listed("--stage", "infer")) == [frame]
    assert list(world.listed("--stream", "gate")) == [frame]
    assert "message: is bad" in world.run("list")

    assert "seq: 7" in world.run("show", frame)
    assert "6e 6f 20 6d" in world.run("show", later)
    world.run("show", frame, "--output", "bad.bin")
    assert (tmp_path / "bad.bin").read_bytes() == BAD

    assert "1 of 1 records sent again" in world.run("retry", frame, "--yes")
    assert world.records(FRAMES.name) == [(1, b"gate", BAD)]
    assert world.listed()[frame]["retried_at"]
    assert "Nothing to retry" in world.run("retry", frame, "--yes")
    assert "1 of 1 records sent again" in world.run("retry", "--stream", "gate", "--again", "--yes")
    assert world.records(FRAMES.name) == [(1, b"gate", BAD)] * 2

    world.run("retry", "--stage", "track", "--yes")
    assert world.records(DETECTIONS.name) == [(0, None, b"no message")]


def test_mistakes_are_sentences_and_send_nothing(world: World) -> None:
    frame = world.letter(FRAMES.name, 1, 5, BAD)
    assert "no dead letter about x/0/1" in world.run("retry", "x/0/1", code=1)
    assert "Name records" in world.run("retry", code=1)
    assert "TOPIC/PARTITION/OFFSET" in world.run("show", "frames", code=1)
    world.run("retry", frame, code=1)
    assert world.records(FRAMES.name) == []


def test_a_record_that_its_topic_does_not_take_is_named_and_gets_no_receipt(world: World) -> None:
    large = world.letter(DETECTIONS.name, 0, 1, os.urandom(5 << 20))
    gone = world.letter(DETECTIONS.name, 1, 2, b"x")
    shrunk = DeadLetter(
        value=b"x", key=None, reason="r", stage="s", topic=FRAMES.name, partition=9, offset=1, at_ns=NOW_NS
    )
    world._producer.produce(DEAD_LETTERS.name, b"x", None, 0, headers=[*shrunk.headers()])
    world._producer.flush(30)
    said = world.run("retry", large, gone, f"{FRAMES.name}/9/1", "--yes", code=1)
    assert "1 of 3 records sent again" in said
    assert f"{large} was refused" in said
    assert "has 2 partitions" in said
    assert [name for name, each in world.listed().items() if each["retried_at"]] == [gone]

"""The driver on a real broker, undisturbed: stopping, bad input, set-up mistakes."""

import signal

import pytest
from chain_stage import ChainStage
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from conftest import Bench, wait_until

from schemas.dead_letters import DeadLetter
from sightline.errors import SightlineError
from sightline.stateful import DriverConfig, run_stage


def feed(bench: Bench, rounds: int) -> None:
    for seq in range(rounds):
        for stream in range(8):
            bench.produce(b"cam-%d" % stream, 0, seq, b"x" * 100)
    assert bench.producer.flush(30) == 0


def stop(bench: Bench, *, at_least: int) -> None:
    worker = bench.start()
    wait_until(lambda: bench.count(bench.output) >= at_least, 30, "the outputs")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0, bench.log(worker)


def test_a_clean_stop_leaves_nothing_to_replay(bench: Bench) -> None:
    feed(bench, 200)
    stop(bench, at_least=1600)
    assert bench.lag() == 0
    feed_again = bench.count(bench.output)
    bench.produce(b"cam-0", 1, 0)
    bench.producer.flush(30)
    stop(bench, at_least=feed_again + 1)
    assert bench.count(bench.output) == feed_again + 1
    assert bench.outputs() == bench.expected()


def test_bad_bytes_become_dead_letters_and_the_partition_moves_on(bench: Bench) -> None:
    feed(bench, 2)
    bad = [(b"cam-0", b"\xc1\x00 not a link"), (b"stranger", b""), (None, b"no key")]
    producer = Producer({"bootstrap.servers": bench.bootstrap})
    for key, value in bad:
        producer.produce(bench.input, value, key, partition=1)
    assert producer.flush(30) == 0
    for seq in (2, 3):
        for stream in range(8):
            bench.produce(b"cam-%d" % stream, 0, seq)
    bench.producer.flush(30)
    stop(bench, at_least=32)
    letters = [
        DeadLetter.from_record(record.key(), record.value() or b"", record.headers() or [])
        for record in bench.read(bench.dead_letters)
    ]
    assert [(letter.key, letter.value) for letter in letters] == bad
    assert {(letter.stage, letter.topic, letter.partition) for letter in letters} == {
        ("chain", bench.input, 1)
    }
    assert "is no link" in letters[0].reason
    assert bench.outputs() == bench.expected()


def test_a_standby_takes_over_after_a_kill(bench: Bench) -> None:
    feed(bench, 50)
    first = bench.start(standby_replicas=1)
    wait_until(lambda: bench.count(bench.output) >= 400, 30, "the outputs")
    second = bench.start(standby_replicas=1)
    wait_until(lambda: ": ready" in bench.log(second), 30, "the second worker")
    first.kill()
    first.wait()
    for stream in range(8):
        bench.produce(b"cam-%d" % stream, 1, 0)
    bench.wait_done()
    assert bench.outputs() == bench.expected()


def config(bench: Bench) -> DriverConfig:
    return DriverConfig(bootstrap=bench.bootstrap, group=bench.group, dead_letter_topic=bench.dead_letters)


def test_a_missing_topic_is_named(bench: Bench) -> None:
    with pytest.raises(SightlineError, match=r"nowhere does not exist.*topics apply"):
        run_stage(ChainStage(bench.input, "nowhere"), config(bench))


def test_topics_that_are_not_copartitioned_are_named(bench: Bench) -> None:
    admin = AdminClient({"bootstrap.servers": bench.bootstrap})
    narrow = f"narrow-{bench.name}"
    admin.create_topics([NewTopic(narrow, 3, 1)])[narrow].result(30)
    with pytest.raises(SightlineError, match=rf"{narrow} has 3 partitions, but {bench.input} has 4"):
        run_stage(ChainStage(bench.input, narrow), config(bench))


def test_no_broker_is_an_error_with_its_address() -> None:
    settings = DriverConfig(bootstrap="127.0.0.1:1", group="nobody", start_timeout_s=0.5)
    with pytest.raises(SightlineError, match=r"No Kafka broker answers at 127\.0\.0\.1:1"):
        run_stage(ChainStage("in", "out"), settings)


def test_an_input_that_was_recreated_is_refused(bench: Bench) -> None:
    feed(bench, 20)
    stop(bench, at_least=160)
    admin = AdminClient({"bootstrap.servers": bench.bootstrap})
    admin.delete_topics([bench.input])[bench.input].result(30)
    wait_until(lambda: bench.input not in admin.list_topics(timeout=10).topics, 30, "the topic to be gone")
    admin.create_topics([NewTopic(bench.input, 4, 1)])[bench.input].result(30)
    worker = bench.start()
    assert worker.wait(30) not in (0, None)
    assert "was recreated or has lost records" in bench.log(worker)

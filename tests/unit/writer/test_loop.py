"""The loop inserts nothing that the group does not know of, and commits nothing that is not in the tables."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from writer_messages import record, tracks

from consumers.writer.gathering import Gathering, Unit
from consumers.writer.intents import encode
from consumers.writer.lease import AbandonedError, Lease
from consumers.writer.loop import Clocks, Loop
from consumers.writer.records import Range, Record
from consumers.writer.sinks import feeds
from schemas.topics import TRACKS
from sightline.errors import SightlineError

T = TRACKS.name


class Message:
    """A record as librdkafka hands it out."""

    def __init__(self, found: Record) -> None:
        self._found = found

    def __getattr__(self, name: str) -> Callable[[], Any]:
        place = {"topic": self._found.place.topic, "partition": self._found.place.partition}
        known = place | {"error": None, "timestamp": (1, self._found.at_ms)}
        return lambda: known.get(name, getattr(self._found, name, None))


class Consumer:
    """A group member whose group does what the test says."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.script: list[Callable[[], list[Message]]] = []
        self.stored: dict[int, TopicPartition] = {}
        self.refuses = False
        self.refusal = KafkaError.ILLEGAL_GENERATION
        self.done = threading.Event()

    def subscribe(self, topics: Sequence[str], **callbacks: Any) -> None:
        self.callbacks = callbacks

    def consume(self, count: int, timeout: float) -> list[Message]:
        if not self.script:
            self.done.set()
            return []
        return self.script.pop(0)()

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> list[TopicPartition]:
        if self.refuses:
            raise KafkaException(KafkaError(self.refusal))
        for at in offsets:
            self.stored[at.partition] = at
            self.log.append(f"{'begin' if at.metadata else 'end'} {at.partition}@{at.offset}")
        return offsets

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return [self.stored.get(at.partition, at) for at in partitions]

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        self.log += [f"assign {at.partition}@{at.offset}" for at in partitions]

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None: ...

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.log.append("pause")

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.log.append("resume")

    def close(self) -> None:
        self.log.append("close")


class Store:
    """Notes what it is asked to write."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.error: Exception | None = None

    def forget(self) -> None: ...

    def write(self, units: Sequence[Unit], lease: Lease) -> None:
        lease.hold()
        if self.error is not None:
            raise self.error
        self.log += [f"write {unit.ranges[0]}{' replay' if unit.replay else ''}" for unit in units]


class Worker:
    """Runs a task at once, or when the test says so."""

    def __init__(self) -> None:
        self.waits = False
        self.tasks: list[tuple[Callable[[], None], Future[None]]] = []

    def submit(self, task: Callable[[], None]) -> "Future[None]":
        future: Future[None] = Future()
        self.tasks.append((task, future))
        if not self.waits:
            self.run()
        return future

    def run(self) -> None:
        for task, future in self.tasks:
            try:
                task()
            except Exception as error:
                future.set_exception(error)
            else:
                future.set_result(None)
        self.tasks.clear()


class Reader:
    """Reads the ranges of a unit from nowhere."""

    def read(self, topic: str, ranges: Sequence[Range], lease: Lease) -> Iterator[Record]:
        yield from ()


class World:
    """A loop among fakes; time passes by a second with each look at the clock."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.consumer, self.store, self.worker = Consumer(self.log), Store(self.log), Worker()
        self.now_s = 0.0
        found = feeds(detections=False)
        self.loop = Loop(
            consumer=self.consumer,  # type: ignore[arg-type]  # fakes in the place of clients
            feeds=found,
            gathering=Gathering(found, max_rows=100, max_delay_s=0.5),
            store=self.store,  # type: ignore[arg-type]
            worker=self.worker,  # type: ignore[arg-type]
            reader=Reader(),  # type: ignore[arg-type]
            session_timeout_s=10_000.0,
            clocks=Clocks(self.tick, lambda: 0),
            probe=lambda _: None,
        )

    def tick(self) -> float:
        self.now_s += 1.0
        return self.now_s

    def run(self, *script: Callable[[], list[Message] | None]) -> list[str]:
        """Run the script, one step for each poll, then three idle polls; what was done, in order."""
        self.consumer.script = [lambda step=step: step() or [] for step in (*script, *[list] * 3)]
        self.loop.run(self.consumer.done)
        return self.log

    def assign(self, *partitions: int) -> Callable[[], None]:
        return lambda: self.consumer.callbacks["on_assign"](
            self.consumer, [TopicPartition(T, partition) for partition in partitions]
        )

    def leave(self, how: str, *partitions: int) -> Callable[[], None]:
        return lambda: self.consumer.callbacks[how](
            self.consumer, [TopicPartition(T, partition) for partition in partitions]
        )


@pytest.fixture
def world() -> World:
    return World()


def frames(*places: tuple[int, int]) -> Callable[[], list[Message]]:
    """Frames at these partitions and offsets."""
    return lambda: [Message(record(o, tracks(seq=o).to_bytes(), partition=p)) for p, o in places]


def test_a_batch_is_begun_then_written_then_ended(world: World) -> None:
    log = world.run(world.assign(0, 1), frames((0, 5), (0, 6), (1, 9)))
    assert log[2:] == [
        "begin 0@5",
        "begin 1@9",
        f"write {Range(0, 5, 7)}",
        "end 0@7",
        "end 1@10",
        "close",
    ]
    assert world.consumer.stored[0].metadata == ""


def test_the_intent_of_each_partition_names_the_whole_unit(world: World) -> None:
    world.worker.waits = True
    world.run(world.assign(0, 1), frames((0, 5), (1, 9)), lambda: None)
    intents = {at.metadata for at in world.consumer.stored.values()}
    assert intents == {encode([Range(0, 5, 6), Range(1, 9, 10)])}


def test_nothing_is_written_while_the_group_refuses_the_intent(world: World) -> None:
    world.consumer.refuses = True
    seen: list[bool] = []

    def accept() -> None:
        seen.append(any(line.startswith("write") for line in world.log))
        world.consumer.refuses = False

    log = world.run(world.assign(0), frames((0, 5)), lambda: None, lambda: None, accept)
    assert seen == [False]
    assert log[-4:] == ["begin 0@5", f"write {Range(0, 5, 6)}", "end 0@6", "close"]


def test_a_unit_that_was_begun_is_replayed_before_anything_new(world: World) -> None:
    ranges = [Range(0, 5, 8), Range(3, 1, 2)]  # partition 3 is another member's now
    world.consumer.stored[0] = TopicPartition(T, 0, 5, encode(ranges))
    log = world.run(world.assign(0), frames((0, 8)))
    assert log[0] == "assign 0@8"
    assert log[1:3] == [f"write {Range(0, 5, 8)} replay", "end 0@8"]
    assert "end 3@2" not in log


def test_an_intent_that_does_not_begin_at_the_offset_is_none(world: World) -> None:
    world.consumer.stored[0] = TopicPartition(T, 0, 6, encode([Range(0, 5, 8)]))
    log = world.run(world.assign(0))
    assert log == ["assign 0@6", "close"]


def test_what_is_lost_is_neither_written_nor_ended(world: World) -> None:
    world.worker.waits = True
    log = world.run(
        world.assign(0),
        frames((0, 5)),
        lambda: None,
        world.leave("on_lost", 0),
        world.worker.run,
        lambda: None,
    )
    assert not [line for line in log if line.startswith(("write", "end"))]
    assert "begin 0@5" in log


def test_what_is_revoked_while_gathered_is_left_to_the_next_owner(world: World) -> None:
    log = world.run(
        world.assign(0, 1), lambda: [*frames((0, 5), (1, 9))(), *(world.leave("on_revoke", 0)() or [])]
    )
    assert "write" not in " ".join(line for line in log if "0, start" in line)
    assert "end 0@6" not in log
    assert "end 1@10" in log


def test_what_was_written_when_its_partition_is_revoked_is_ended(world: World) -> None:
    world.worker.waits = True

    def revoke() -> None:
        world.worker.run()
        world.leave("on_revoke", 0)()

    log = world.run(world.assign(0, 1), frames((0, 5), (1, 9)), lambda: None, revoke)
    assert "end 0@6" in log
    assert "end 1@10" in log


def test_a_partition_that_left_is_not_ended_later(world: World) -> None:
    world.worker.waits = True
    world.loop._revoke_wait_s = 0.0
    log = world.run(
        world.assign(0, 1),
        frames((0, 5), (1, 9)),
        lambda: None,
        world.leave("on_revoke", 0),
        world.worker.run,
        lambda: None,
    )
    assert "end 0@6" not in log
    assert "end 1@10" in log


def test_a_batch_under_way_does_not_end_a_partition_that_left_and_came_back_but_its_replay_does(
    world: World,
) -> None:
    """Between the two another writer may have had it, and have written on from where it began."""
    world.worker.waits = True
    world.loop._revoke_wait_s = 0.0

    def come_back() -> None:
        world.consumer.stored[0] = TopicPartition(T, 0, 6, encode([Range(0, 6, 9)]))  # another's batch
        world.assign(0)()

    log = world.run(
        world.assign(0),
        frames((0, 5)),
        lambda: None,
        world.leave("on_revoke", 0),
        come_back,
        world.worker.run,
        lambda: None,
        world.worker.run,
        lambda: None,
    )
    assert log[1:] == [
        "begin 0@5",
        "assign 0@9",
        f"write {Range(0, 5, 6)}",
        f"write {Range(0, 6, 9)} replay",
        "end 0@9",
        "close",
    ]


def test_reading_pauses_while_enough_is_gathered_and_goes_on_after_it(world: World) -> None:
    world.worker.waits = True
    many = [(0, offset) for offset in range(10, 60)]
    log = world.run(
        world.assign(0),
        frames((0, 5)),
        lambda: None,
        frames(*many),
        lambda: None,
        world.worker.run,
        lambda: None,
        world.worker.run,
    )
    assert log.index("pause") < log.index("end 0@6") < log.index("resume")


def test_a_stop_writes_what_is_gathered_however_young(world: World) -> None:
    world.loop._gathering = Gathering(feeds(detections=False), max_rows=100, max_delay_s=1e9)
    log = world.run(world.assign(0), frames((0, 5)))
    assert log[-4:] == ["begin 0@5", f"write {Range(0, 5, 6)}", "end 0@6", "close"]


def test_a_refusal_by_the_tables_ends_the_loop_without_an_end(world: World) -> None:
    world.store.error = SightlineError("no such table")
    with pytest.raises(SightlineError, match="no such table"):
        world.run(world.assign(0), frames((0, 5)))
    assert world.log[-2:] == ["begin 0@5", "close"]


def test_an_abandoned_batch_is_no_error(world: World) -> None:
    world.store.error = AbandonedError()
    log = world.run(world.assign(0), frames((0, 5)))
    assert log[-2:] == ["begin 0@5", "close"]


LOST = (KafkaError._FATAL, KafkaError._FENCED, KafkaError.FENCED_INSTANCE_ID)


@pytest.mark.parametrize("code", LOST)
def test_a_client_that_has_lost_its_place_ends_the_writer_and_is_not_asked_again(
    world: World, code: int
) -> None:
    world.consumer.refuses, world.consumer.refusal = True, code
    with pytest.raises(KafkaException):
        world.run(world.assign(0), frames((0, 5)))
    assert world.log[-1] == "close"


@pytest.mark.parametrize("code", LOST)
def test_a_client_that_says_in_place_of_a_record_that_it_is_lost_ends_the_writer(
    world: World, code: int
) -> None:
    class Lost:
        def error(self) -> KafkaError:
            return KafkaError(code)

    with pytest.raises(KafkaException):
        world.run(world.assign(0), lambda: [Lost()])  # type: ignore[arg-type, list-item, return-value]

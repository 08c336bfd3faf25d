"""Workers that come and go under load: each partition's order is kept, and no identity switches."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from confluent_kafka import Consumer

from sightline.stack.triton import LocalTriton
from tests.faults.plant import Plant
from tests.faults.recording import DETECTIONS, VIDEO_STREAMS
from tests.faults.recording import FRAMES as FRAMES_TOPIC
from tests.faults.reference import Reference
from tests.faults.report import Report
from tests.faults.sender import ALL_STREAMS, DETECTION_STREAMS
from tests.faults.trouble import troubled

FRAMES = 400
LOADS = 2
SLOW_S = 0.4
JOINED_S = 1.5
ENOUGH_JOINS = 6
MANY_SMALL_REQUESTS = {"triton.requests_in_flight": 32, "triton.timeout_s": 60}


@pytest.mark.long
@pytest.mark.parametrize("stage", ["track", "infer"])
def test_workers_from_one_to_three_to_one_under_load(
    plant: Plant, reference: Reference, prefix: str, report: Report, stage: str
) -> None:
    reference.reach(FRAMES)
    sender = plant.send(prefix, ALL_STREAMS, FRAMES)
    plant.run_for(3)
    more = [plant.start(stage), plant.start(stage)]
    plant.run_for(12)
    for name in more:
        plant.stop(name)
        plant.run_for(3)
    plant.until(lambda: sender.done, "the load to be sent")
    repeats = reference.check(plant, prefix, ALL_STREAMS, FRAMES)
    report.add(f"{stage} workers from 1 to 3 to 1 under load", 1, repeats=repeats)


@pytest.mark.long
def test_infer_workers_keep_the_order_while_members_join_and_leave_again_and_again(
    tmp_path: Path, model_repository: Path, reference: Reference, prefix: str, report: Report
) -> None:
    """Each join and each leave takes all partitions away and gives most of them back to where they were.

    Triton takes as long as that does, and workers may have many small requests under way: some are answered
    before the partition is back, and some when their frames have been read again. Most of the members that
    come and go are none of ours: they only have to be there, and are faster at it.
    """
    reference.reach(FRAMES)
    version = troubled(model_repository, tmp_path / "repository")
    (version / "slow_s").write_text(str(SLOW_S))
    triton = LocalTriton(tmp_path / "repository", ["analyzer"], tmp_path / "triton.log")
    prefixes = [f"{prefix}{number}" for number in range(LOADS)]
    with Plant(tmp_path, triton=triton, settings=MANY_SMALL_REQUESTS) as plant:
        for command in ("write", "track", "infer", "infer"):
            plant.start(command)
        senders = [plant.send(each, VIDEO_STREAMS, FRAMES) for each in prefixes]
        for sender in senders:
            plant.until_begun(sender)
        joins = 0
        while not all(sender.done for sender in senders):
            with _member_of_the_group(plant):
                plant.run_for(JOINED_S)
            plant.run_for(JOINED_S)
            joins += 1
        plant.until(lambda: _are_at_the_end(plant, prefixes), "the last frames")
        for each in prefixes:
            for stream, log in plant.verifier.log(DETECTIONS, each).items():
                lacking = set(range(FRAMES)) - {seq for _, seq, _ in log.frames}
                assert not lacking, f"{each}-{stream}: newer frames were stored before {sorted(lacking)}"
        repeats = sum(reference.check(plant, each, VIDEO_STREAMS, FRAMES) for each in prefixes)
    assert joins >= ENOUGH_JOINS, f"{joins} joins while the load was sent"
    report.add("members of the infer group join and leave under load", 2 * joins, repeats=repeats)


@contextmanager
def _member_of_the_group(plant: Plant) -> Iterator[None]:
    """One more member of the infer group, which takes its share of the partitions and does nothing."""
    member = Consumer(
        {
            "bootstrap.servers": plant.kafka.bootstrap,
            "group.id": "sightline-infer",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    member.subscribe([FRAMES_TOPIC])
    ended = Event()

    def stay() -> None:
        while not ended.is_set():
            member.poll(0.05)

    thread = Thread(target=stay, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        member.close()


def _are_at_the_end(plant: Plant, prefixes: Sequence[str]) -> bool:
    """Whether the last frame of every video stream is in the tables."""
    newest = [plant.verifier.newest(each) for each in prefixes]
    return all(found.get(stream) == FRAMES - 1 for found in newest for stream in VIDEO_STREAMS)


@pytest.mark.long
def test_a_rolling_restart_of_three_track_workers_with_names_of_their_own(
    tmp_path, reference: Reference, prefix: str, report: Report
) -> None:
    reference.reach(FRAMES)
    with Plant(tmp_path) as plant:
        plant.start("write")
        workers = {number: plant.start("track", track__instance_id=f"w{number}") for number in range(3)}
        sender = plant.send(prefix, DETECTION_STREAMS, FRAMES)
        plant.until_begun(sender)
        for number, name in workers.items():
            plant.stop(name)
            plant.start("track", track__instance_id=f"w{number}")
            plant.run_for(4)
        plant.until(lambda: sender.done, "the load to be sent")
        repeats = reference.check(plant, prefix, DETECTION_STREAMS, FRAMES)
    report.add("rolling restart of three track workers with static membership", 1, repeats=repeats)

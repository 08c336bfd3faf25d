"""Workers that come and go under load: each partition's order is kept, and no identity switches."""

from collections.abc import Sequence

import pytest

from tests.faults.plant import Plant
from tests.faults.recording import DETECTIONS, VIDEO_STREAMS
from tests.faults.reference import Reference
from tests.faults.report import Report
from tests.faults.sender import ALL_STREAMS, DETECTION_STREAMS

FRAMES = 400
LOADS = 3
JOINS = 8


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
def test_infer_workers_that_join_and_leave_again_and_again_with_frames_under_way(
    plant: Plant, reference: Reference, prefix: str, report: Report
) -> None:
    """Each join and each leave takes all partitions away and gives most of them back to where they were.

    More is sent than Triton can do, so every worker has its requests under way at each of them.
    """
    reference.reach(FRAMES)
    prefixes = [f"{prefix}{letter}" for letter in "abc"[:LOADS]]
    senders = [plant.send(each, VIDEO_STREAMS, FRAMES, frames_per_s=30) for each in prefixes]
    for sender in senders:
        plant.until_begun(sender)
    for _ in range(JOINS):
        name = plant.start("infer")
        plant.run_for(3)
        plant.stop(name)
    assert not _are_at_the_end(plant, prefixes), "all was done before the last one left"
    plant.until(lambda: all(sender.done for sender in senders), "the load to be sent")
    plant.until(lambda: _are_at_the_end(plant, prefixes), "the last frames")
    for each in prefixes:
        for stream, log in plant.verifier.log(DETECTIONS, each).items():
            lacking = set(range(FRAMES)) - {seq for _, seq, _ in log.frames}
            assert not lacking, f"{each}-{stream}: newer frames were stored before {sorted(lacking)}"
    repeats = sum(reference.check(plant, each, VIDEO_STREAMS, FRAMES) for each in prefixes)
    report.add("infer workers join and leave under load", 2 * JOINS, repeats=repeats)


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

"""Workers that come and go under load: each partition's order is kept, and no identity switches."""

import pytest

from tests.faults.plant import Plant
from tests.faults.reference import Reference
from tests.faults.report import Report
from tests.faults.sender import ALL_STREAMS, DETECTION_STREAMS

FRAMES = 400


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

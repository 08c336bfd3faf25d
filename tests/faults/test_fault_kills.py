"""kill -9 of each process, at random times: the tables are those of an undisturbed run."""

import random

import pytest

from tests.faults.plant import Plant
from tests.faults.reference import Reference
from tests.faults.report import Report
from tests.faults.sender import ALL_STREAMS

SEED = 20261124


def kill_all_at_random(
    plant: Plant, reference: Reference, prefix: str, rounds: int, pause_s: tuple[float, float], frames: int
) -> dict[str, int]:
    """Kill every process in random order, a few times, while the load runs; how often each was killed."""
    reference.reach(frames)
    rng = random.Random(SEED)
    sender = plant.send(prefix, ALL_STREAMS, frames)
    plant.until(lambda: plant.verifier.written(prefix), "the first rows")
    kills: dict[str, int] = {}
    for _ in range(rounds):
        for name in rng.sample(["kafka", "triton", *plant.stages], 2 + len(plant.stages)):
            plant.run_for(rng.uniform(*pause_s))
            plant.kill(name)
            kills[name.split("-")[0]] = kills.get(name.split("-")[0], 0) + 1
    plant.until(lambda: sender.done, "the load to be sent")
    sender.check()
    repeats = reference.check(plant, prefix, ALL_STREAMS, frames)
    return kills | {"repeats": repeats}


def test_each_process_killed_once_loses_and_doubles_nothing(
    plant: Plant, reference: Reference, prefix: str, report: Report
) -> None:
    kills = kill_all_at_random(plant, reference, prefix, 1, (1.0, 3.0), 200)
    report.add("kill -9 of each process in turn", 1, **kills)


@pytest.mark.long
def test_many_kills_at_random_times_lose_and_double_nothing(
    plant: Plant, reference: Reference, prefix: str, report: Report
) -> None:
    kills = kill_all_at_random(plant, reference, prefix, 5, (0.5, 8.0), 1600)
    report.add("kill -9 at random times", sum(kills.values()) - kills["repeats"], **kills)

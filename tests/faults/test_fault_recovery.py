"""How long streams stand still when a track worker is killed, with the settings as they come.

What is checked is that they go on; the seconds are written to the report, as they depend on the machine.
"""

import statistics
from pathlib import Path

import pytest

from tests.faults.plant import Plant
from tests.faults.reference import Reference
from tests.faults.report import Report
from tests.faults.sender import DETECTION_STREAMS

pytestmark = pytest.mark.long

KILLS = 4
FRAMES = 20_000  # more than are ever sent


@pytest.mark.parametrize(
    ("how", "workers", "settings"),
    [
        ("as it comes", 1, {}),
        ("with static membership", 1, {"track__instance_id": "one"}),
        ("with a standby", 2, {"track__standby_replicas": 1}),
    ],
    ids=["default", "static", "standby"],
)
def test_a_killed_track_worker(
    tmp_path: Path, reference: Reference, prefix: str, report: Report, how: str, workers: int, settings: dict
) -> None:
    with Plant(tmp_path, settings={"kafka.session_timeout_s": 12}) as plant:
        plant.start("write")
        names = [plant.start("track", **settings) for _ in range(workers)]
        sender = plant.send(prefix, DETECTION_STREAMS, FRAMES)
        plant.until(lambda: len(plant.verifier.written(prefix)) == len(DETECTION_STREAMS), "all streams")
        plant.run_for(10)
        seconds = []
        for number in range(KILLS):
            plant.kill(names[number % workers])
            seconds.append(round(plant.until_flowing(sender), 1))
            plant.run_for(5)
        repeats = reference.finish(plant, sender)
    report.add(
        f"kill -9 of a track worker, {how}",
        KILLS,
        recoveries_s=seconds,
        median_s=statistics.median(seconds),
        worst_s=max(seconds),
        repeats=repeats,
    )

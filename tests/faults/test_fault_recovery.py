"""How long streams stand still when a worker is killed, with the settings as they come.

What is checked is that they go on; the seconds are written to the report, as they depend on the machine.
"""

import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest

from sightline.stack.triton import LocalTriton
from tests.faults.plant import Plant
from tests.faults.recording import DETECTION_STREAMS, VIDEO_STREAMS
from tests.faults.reference import Reference
from tests.faults.report import Report

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
        seconds, repeats = kill_in_turn(plant, names, reference, prefix, DETECTION_STREAMS)
    tell(report, f"kill -9 of a track worker, {how}", seconds, repeats)


@pytest.mark.parametrize(
    ("how", "settings"),
    [("as it comes", {}), ("with static membership", {"infer__instance_id": "one"})],
    ids=["default", "static"],
)
def test_a_killed_infer_worker(
    tmp_path: Path,
    model_repository: Path,
    reference: Reference,
    prefix: str,
    report: Report,
    how: str,
    settings: dict,
) -> None:
    triton = LocalTriton(model_repository, ["analyzer"], tmp_path / "triton.log")
    with Plant(tmp_path, triton=triton, settings={"kafka.session_timeout_s": 12}) as plant:
        plant.start("write")
        plant.start("track")
        name = plant.start("infer", **settings)
        seconds, repeats = kill_in_turn(plant, [name], reference, prefix, VIDEO_STREAMS)
    tell(report, f"kill -9 of an infer worker, {how}", seconds, repeats)


def kill_in_turn(
    plant: Plant, names: Sequence[str], reference: Reference, prefix: str, streams: Sequence[str]
) -> tuple[list[float], object]:
    """Kill under load, one after the other; the seconds until it flows again, and what came twice."""
    sender = plant.send(prefix, streams, FRAMES)
    plant.until_begun(sender)
    plant.run_for(10)
    seconds = []
    for number in range(KILLS):
        plant.kill(names[number % len(names)])
        seconds.append(round(plant.until_flowing(sender), 1))
        plant.run_for(5)
    return seconds, reference.finish(plant, sender)


def tell(report: Report, what: str, seconds: Sequence[float], repeats: object) -> None:
    report.add(
        what,
        KILLS,
        recoveries_s=list(seconds),
        median_s=statistics.median(seconds),
        worst_s=max(seconds),
        repeats=repeats,
    )

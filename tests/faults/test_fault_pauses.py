"""Processes that stand still for longer than the group waits, and then go on as if nothing had been."""

from collections.abc import Iterator

import pytest

from tests.faults.plant import Plant
from tests.faults.reference import Reference
from tests.faults.report import Report
from tests.faults.sender import ALL_STREAMS

SESSION_S = 6.0
FRAMES = 240


@pytest.fixture
def helper(plant: Plant, request: pytest.FixtureRequest) -> Iterator[str]:
    """One more member of a stage, which takes over while the other stands still."""
    name = plant.start(request.param)
    yield name
    plant.stop(name)


def pause(plant: Plant, reference: Reference, prefix: str, name: str, pause_s: float) -> int:
    """Let a process stand still in the middle of the load; returns the repeats in the log."""
    reference.reach(FRAMES)
    sender = plant.send(prefix, ALL_STREAMS, FRAMES)
    plant.until(lambda: sender.position > 40, "some load")
    plant.pause(name)
    plant.run_for(pause_s)
    plant.resume(name)
    plant.until(lambda: sender.done, "the load to be sent")
    return reference.check(plant, prefix, ALL_STREAMS, FRAMES)


@pytest.mark.parametrize("helper", ["track"], indirect=True)
def test_a_track_worker_that_wakes_up_after_others_took_over_moves_nothing_back(
    plant: Plant, reference: Reference, prefix: str, helper: str, report: Report
) -> None:
    worker = next(name for name in plant.stages if name.startswith("track") and name != helper)
    repeats = pause(plant, reference, prefix, worker, SESSION_S + 4)
    report.add("SIGSTOP of a track worker for longer than its session", 1, repeats=repeats)


@pytest.mark.long
@pytest.mark.parametrize("helper", ["infer"], indirect=True)
def test_an_infer_worker_that_wakes_up_after_others_took_over_doubles_nothing(
    plant: Plant, reference: Reference, prefix: str, helper: str, report: Report
) -> None:
    worker = next(name for name in plant.stages if name.startswith("infer") and name != helper)
    repeats = pause(plant, reference, prefix, worker, SESSION_S + 4)
    report.add("SIGSTOP of an infer worker for longer than its session", 1, repeats=repeats)


@pytest.mark.long
@pytest.mark.parametrize("stage", ["write", "kafka", "triton"])
def test_a_writer_or_a_server_that_stands_still_costs_only_time(
    plant: Plant, reference: Reference, prefix: str, stage: str, report: Report
) -> None:
    name = next(each for each in (*plant.stages, "kafka", "triton") if each.startswith(stage))
    repeats = pause(plant, reference, prefix, name, SESSION_S + 8)
    report.add(f"SIGSTOP of {stage} for longer than a session", 1, repeats=repeats)

"""A Triton that is away or slow: frames wait, and none is blamed for it."""

import pytest

from tests.faults.plant import Plant
from tests.faults.reference import Reference
from tests.faults.report import Report
from tests.faults.sender import ALL_STREAMS

pytestmark = pytest.mark.long

FRAMES = 400


def test_a_triton_that_is_down_for_20_s_and_killed_again_and_again(
    plant: Plant, reference: Reference, prefix: str, report: Report
) -> None:
    reference.reach(FRAMES)
    sender = plant.send(prefix, ALL_STREAMS, FRAMES)
    plant.until(lambda: len(plant.verifier.written(prefix)) == len(ALL_STREAMS), "all streams")
    plant.stop("triton")
    plant.run_for(20)
    plant.restart("triton")
    plant.run_for(8)
    for _ in range(2):
        plant.kill("triton")
        plant.run_for(5)
    plant.until(lambda: sender.done, "the load to be sent")
    repeats = reference.check(plant, prefix, ALL_STREAMS, FRAMES)
    report.add("Triton down for 20 s, then killed twice", 1, repeats=repeats)

"""A ClickHouse that is away, slow, or does the insert and loses its answer, and a writer killed meanwhile."""

import json
from pathlib import Path

import psutil
import pytest

from tests.faults.plant import Plant
from tests.faults.reference import Reference
from tests.faults.report import Report
from tests.faults.sender import DETECTION_STREAMS

pytestmark = pytest.mark.long

SCRIPT = Path(__file__).with_name("troubled_writer.py")
FRAMES = 600


def test_a_clickhouse_in_trouble_is_back_pressure_and_never_loss(
    tmp_path: Path, reference: Reference, prefix: str, report: Report
) -> None:
    reference.reach(FRAMES)
    control = tmp_path / "trouble.json"

    def trouble(**kinds: object) -> None:
        text = tmp_path / "new.json"
        text.write_text(json.dumps(kinds))
        text.rename(control)

    trouble()
    with Plant(tmp_path) as plant:
        writer = plant.start(str(control), script=SCRIPT)
        plant.start("track")
        sender = plant.send(prefix, DETECTION_STREAMS, FRAMES)
        plant.until_begun(sender)
        memory_mib = psutil.Process(plant.pid(writer)).memory_info().rss / 2**20

        trouble(down=True)
        plant.run_for(15)
        frozen = plant.verifier.totals(prefix)
        plant.run_for(1)
        assert plant.verifier.totals(prefix) == frozen
        plant.kill(writer)
        plant.run_for(5)
        trouble(lose=3)
        plant.run_for(10)
        plant.kill(writer)
        plant.run_for(6)
        trouble(slow_s=1.5)
        plant.run_for(10)
        grown_mib = psutil.Process(plant.pid(writer)).memory_info().rss / 2**20 - memory_mib
        trouble(lose=2)
        plant.until(lambda: sender.done, "the load to be sent")
        trouble()
        repeats = reference.check(plant, prefix, DETECTION_STREAMS, FRAMES)
        report.add(
            "ClickHouse down for 20 s, slow, answers of inserts lost, the writer killed twice meanwhile",
            1,
            repeats=repeats,
            writer_grown_mib=round(grown_mib),
        )

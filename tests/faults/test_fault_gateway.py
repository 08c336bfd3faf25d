"""A gateway that is killed: each frame that the broker has of it is in the tables, once."""

from collections import Counter
from pathlib import Path

import msgpack
import pytest

from tests.faults.plant import Plant
from tests.faults.recording import FRAMES
from tests.faults.report import Report

KILLS = 4
CAMERA = "gate"


@pytest.mark.long
def test_a_killed_gateway_begins_a_new_epoch_and_what_it_published_is_written_once(
    plant: Plant, tmp_path: Path, report: Report
) -> None:
    name = plant.start(f"produce synthetic:1?fps=8 --stream {CAMERA} --state {tmp_path}")

    def epochs() -> set[str]:
        return {epoch for (epoch,) in plant.verifier.ask(f"SELECT DISTINCT epoch FROM frames {of_camera}")}

    of_camera = f"WHERE stream_id = '{CAMERA}'"
    for kills in range(KILLS):
        plant.until(lambda kills=kills: len(epochs()) == kills + 1, "rows of the new epoch")
        plant.run_for(2)
        plant.kill(name)
    plant.until(lambda: len(epochs()) == KILLS + 1, "rows of the last epoch")
    plant.stop(name)

    published = set()
    for _, key, value in plant.verifier.read(FRAMES):
        if key == CAMERA.encode() and value is not None:
            message = msgpack.unpackb(value)
            published.add((str(message["epoch"]), str(message["seq"])))

    def rows() -> Counter[tuple[str, ...]]:
        return Counter(plant.verifier.ask(f"SELECT epoch, seq FROM frames {of_camera}"))

    plant.until(lambda: len(rows()) >= len(published), f"{len(published)} frames")
    assert rows() == Counter(dict.fromkeys(published, 1))
    report.add("kill -9 of a gateway", KILLS, frames=len(published))

"""A full disk under Kafka's or ClickHouse's folder: an error that says so, nothing torn, and on it goes."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.plant import Plant
from tests.faults.reference import Reference
from tests.faults.report import Report
from tests.faults.sender import DETECTION_STREAMS

pytestmark = pytest.mark.long

FRAMES = 400
SAID = re.compile("No space left on device|not enough space")
Mount = Callable[[Path, int], None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mounts a small file system of its own at a folder."""
    mounted: list[Path] = []

    def at(folder: Path, size_mib: int) -> None:
        folder.mkdir(parents=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
        mounted.append(folder)

    yield at
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all room that is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        file.write(os.urandom(size))
                except OSError:
                    continue
        finally:
            os.fsync(file.fileno())
    return ballast


def logs(plant: Plant) -> str:
    files = [
        *(plant.folder / "logs").glob("*.log"),
        plant.folder / "kafka" / "kafka.log",
        plant.kafka.log_path,
    ]
    return "".join(file.read_text(errors="replace") for file in files if file.exists())


@pytest.mark.parametrize("whose", ["kafka", "clickhouse"])
def test_a_full_disk_is_said_and_waited_out(
    tmp_path: Path, reference: Reference, prefix: str, mount: Mount, whose: str, report: Report
) -> None:
    reference.reach(FRAMES)
    folder = tmp_path / ("kafka/log" if whose == "kafka" else "data/clickhouse")
    mount(folder, 120 if whose == "kafka" else 200)
    with Plant(tmp_path) as plant:
        plant.start("write")
        plant.start("track")
        sender = plant.send(prefix, DETECTION_STREAMS, FRAMES)
        plant.until_begun(sender)
        ballast = fill(folder)
        plant.until(lambda: SAID.search(logs(plant)), "somebody to say that the disk is full", 60)
        plant.run_for(10)
        ballast.unlink()
        plant.until(lambda: sender.done, "the load to be sent")
        repeats = reference.check(plant, prefix, DETECTION_STREAMS, FRAMES)
    report.add(f"disk full under {whose}'s folder for 10 s", 1, repeats=repeats)

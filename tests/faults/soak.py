"""Runs the pipeline for long at a steady load and looks whether anything grows: `make soak`.

Every ten seconds the resident memory and the open descriptors of each process are noted, children included.
After a sixth of the time (ten minutes of an hour) memory must stay within 5% and no descriptor may be added;
medians of a window there and of the last one are compared. Exit code 1 if something grows, or a process was
started again.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from sightline.stack.triton import LocalTriton
from sightline.vision.describe import find_model
from sightline.vision.repository import Serving, write_repository
from tests.faults.plant import Plant
from tests.faults.recording import DETECTION_STREAMS
from tests.faults.sender import ALL_STREAMS

PREFIX = "soak"
SAMPLE_S = 10.0
MOST_GROWTH = 0.05
LEAST_GROWTH_MIB = 8.0  # below this a small process's 5% is noise of its allocator


@dataclass
class Course:
    """What was noted of one process."""

    rss_mib: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    def note(self, process: psutil.Process) -> None:
        with contextlib.suppress(psutil.Error):
            family = [process, *process.children(recursive=True)]
            self.rss_mib.append(sum(each.memory_info().rss for each in family) / 2**20)
            self.descriptors.append(sum(each.num_fds() for each in family))

    def verdict(self) -> dict[str, float]:
        """Medians of a window after a sixth of the time, and of the last window."""
        count = len(self.rss_mib)
        window = max(3, count // 12)
        early = slice(count // 6, count // 6 + window)
        late = slice(-window, None)
        return {
            "rss_mib_early": round(statistics.median(self.rss_mib[early]), 1),
            "rss_mib_late": round(statistics.median(self.rss_mib[late]), 1),
            "descriptors_early": statistics.median(self.descriptors[early]),
            "descriptors_late": statistics.median(self.descriptors[late]),
        }


def grows(verdict: dict[str, float]) -> bool:
    """Whether a process takes more and more."""
    grown_mib = verdict["rss_mib_late"] - verdict["rss_mib_early"]
    return (
        grown_mib > max(LEAST_GROWTH_MIB, MOST_GROWTH * verdict["rss_mib_early"])
        or verdict["descriptors_late"] > verdict["descriptors_early"]
    )


def soak(folder: Path, minutes: float, frames_per_s: float, *, video: bool) -> dict:
    """Run, and say what was noted."""
    streams = ALL_STREAMS if video else DETECTION_STREAMS
    triton = _triton(folder) if video else None
    with Plant(folder, triton=triton) as plant:
        for command in ("write", "track", *(["infer"] if video else [])):
            plant.start(command)
        names = ["kafka", *(["triton"] if video else []), *plant.stages]
        sender = plant.send(PREFIX, streams, 10**9, frames_per_s=frames_per_s / len(streams))
        courses = {name: Course() for name in names}
        until_s = time.monotonic() + 60 * minutes
        while time.monotonic() < until_s:
            plant.run_for(SAMPLE_S)
            for name, course in courses.items():
                course.note(psutil.Process(plant.pid(name)))
        sender.stop()
        plant.until(lambda: sender.done, "the load to be sent")
        last = sender.position
        plant.until(
            lambda: sum(plant.verifier.written(PREFIX).values()) >= last * (len(streams) - 1), "the frames"
        )
        return {
            "minutes": minutes,
            "frames_per_s": frames_per_s,
            "frames_written": sum(plant.verifier.written(PREFIX).values()),
            "restarts": sum(plant.restarts(name) for name in names),
            "processes": {name: course.verdict() for name, course in courses.items()},
        }


def _triton(folder: Path) -> LocalTriton:
    subprocess.run([sys.executable, "-m", "triton_repo.demo_detector", str(folder / "model")], check=True)
    repository = write_repository(folder / "repository", Serving(*find_model(folder / "model")))
    return LocalTriton(repository, ["analyzer"], folder / "triton.log")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run for long and look whether memory or descriptors grow.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--frames-per-s", type=float, default=80.0, help="of all streams together")
    parser.add_argument("--no-video", action="store_true", help="detections only, without Triton and infer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sightline-soak-") as folder:
        found = soak(Path(folder), options.minutes, options.frames_per_s, video=not options.no_video)
    found["grows"] = [name for name, verdict in found["processes"].items() if grows(verdict)]
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 1 if found["grows"] or found["restarts"] else 0


if __name__ == "__main__":
    sys.exit(main())

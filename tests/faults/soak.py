"""Runs the pipeline for long at a steady load and looks whether anything grows: `make soak`.

Every ten seconds the resident memory and the open descriptors of each process are noted, children included.
After the first ten minutes (half of a run that is shorter than twenty) memory must stay within 5% and no
descriptor may be added; a window there and the last one are compared. Of memory it is the median. Of
descriptors it is the fewest: files that a merge or an insert has open just then come on top, the more often
the busier the machine is. The segments of Kafka's log stay open too, but their number follows from what the
topics keep: they are counted apart. Exit code 1 if something grows, or a process was started again.
"""

import argparse
import contextlib
import json
import os
import re
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
WARM_UP_S = 600.0  # until the writer's engine holds as much as it will
MOST_GROWTH = 0.05
SEGMENT = re.compile(r".*/log/[^/]+/[0-9]{20}\.log(\.deleted)?")
LEAST_GROWTH_MIB = 8.0  # below this a small process's 5% is noise of its allocator


@dataclass
class Course:
    """What was noted of one process.

    Attributes:
        rss_mib: Resident memory.
        descriptors: Open descriptors but those of segments.
        segments: Open segments of Kafka's log.
        threads: Threads.
    """

    rss_mib: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def note(self, process: psutil.Process) -> None:
        with contextlib.suppress(psutil.Error):
            family = [process, *process.children(recursive=True)]
            segments = sum(SEGMENT.fullmatch(file.path) is not None for file in process.open_files())
            rss_mib = sum(each.memory_info().rss for each in family) / 2**20
            descriptors = sum(each.num_fds() for each in family) - segments
            threads = sum(each.num_threads() for each in family)
            self.rss_mib.append(rss_mib)
            self.descriptors.append(descriptors)
            self.segments.append(segments)
            self.threads.append(threads)

    def verdict(self) -> dict[str, float]:
        """What was held in a window after the first minutes, and in the last window."""
        count = len(self.rss_mib)
        window = max(3, count // 12)
        warm = min(round(WARM_UP_S / SAMPLE_S), count // 2)
        early = slice(warm, warm + window)
        late = slice(-window, None)
        return {
            "rss_mib_early": round(statistics.median(self.rss_mib[early]), 1),
            "rss_mib_late": round(statistics.median(self.rss_mib[late]), 1),
            "descriptors_early": min(self.descriptors[early]),
            "descriptors_late": min(self.descriptors[late]),
            "segments_early": min(self.segments[early]),
            "segments_late": min(self.segments[late]),
            "threads_early": min(self.threads[early]),
            "threads_late": min(self.threads[late]),
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
        loads: list[float] = []
        until_s = time.monotonic() + 60 * minutes
        while time.monotonic() < until_s:
            plant.run_for(SAMPLE_S)
            for name, course in courses.items():
                course.note(psutil.Process(plant.pid(name)))
            loads.append(os.getloadavg()[0])
            _tell(courses)
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
            "load_median": round(statistics.median(loads), 1),
            "processes": {name: course.verdict() for name, course in courses.items()},
        }


def _tell(courses: dict[str, Course]) -> None:
    """One line on how it stands, for who watches."""
    now = {
        name: (round(course.rss_mib[-1], 1), course.descriptors[-1], course.segments[-1], course.threads[-1])
        for name, course in courses.items()
        if course.threads
    }
    sys.stderr.write(json.dumps({"load": round(os.getloadavg()[0], 1), **now}) + "\n")


def _triton(folder: Path) -> LocalTriton:
    subprocess.run([sys.executable, "-m", "triton_repo.demo_detector", str(folder / "model")], check=True)
    repository = write_repository(folder / "repository", Serving(*find_model(folder / "model")))
    return LocalTriton(repository, ["analyzer"], folder / "triton.log")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run for long and look whether memory or descriptors grow.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--frames-per-s", type=float, default=350.0, help="of all streams together")
    parser.add_argument("--no-video", action="store_true", help="detections only, without Triton and infer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sightline-soak-") as folder:
        found = soak(Path(folder), options.minutes, options.frames_per_s, video=not options.no_video)
    found["grows"] = [name for name, verdict in found["processes"].items() if grows(verdict)]
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 1 if found["grows"] or found["restarts"] else 0


if __name__ == "__main__":
    sys.exit(main())

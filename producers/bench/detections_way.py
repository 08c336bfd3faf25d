"""Detections in: many streams of small messages, from capture to the row in ClickHouse."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console

from sightline.errors import SightlineError
from sightline.pipeline.monitor import Monitor
from sightline.pipeline.pipeline import POLL_S, Pipeline
from sightline.pipeline.report import read_report
from sightline.pipeline.runs import speaker
from sightline.settings import Settings
from sightline.stack.datadir import DataDir
from sightline.stack.signals import interrupted_by_signals

WARM_UP_S: Final = 10.0
"""Not counted: caches fill, the first snapshots are taken, ClickHouse makes its first parts."""


def measure_detections(
    settings: Settings, *, streams: int, rate_fps: float, seconds: float
) -> dict[str, Any]:
    """Publish at a steady rate and read the delays of all frames after the warm-up from the table `frames`.

    Returns:
        `frames_per_s` into ClickHouse, the delay of each stage, CPU seconds and memory of each process.
    """
    console = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="sightline-bench-") as name,
        DataDir(Path(name)) as data,
        interrupted_by_signals(),
    ):
        pipeline = Pipeline(settings, data, None, speaker(console))
        try:
            pipeline.start()
            return _load(pipeline, console, streams, rate_fps, seconds)
        finally:
            pipeline.stop()


def _load(
    pipeline: Pipeline, console: Console, streams: int, rate_fps: float, seconds: float
) -> dict[str, Any]:
    since_ns = time.time_ns()
    before = pipeline.cpu_seconds()
    generator = subprocess.Popen(
        [sys.executable, "-m", "producers.bench.load", str(streams), str(rate_fps), str(WARM_UP_S + seconds)],
        env=pipeline.stage_env,
        stdout=subprocess.PIPE,
        text=True,
    )
    generator_cpu_s = 0.0
    with Monitor(pipeline, console, since_ns, "Bench: detections") as monitor:
        while generator.poll() is None:
            pipeline.poll()
            monitor.tick()
            generator_cpu_s = _cpu_seconds(generator.pid, generator_cpu_s)
            time.sleep(POLL_S)
        output, _ = generator.communicate()
        if generator.returncode != 0:
            raise SightlineError(f"The load generator ended with exit code {generator.returncode}.")
        complete = pipeline.drain(since_ns, monitor.tick)
    spent = {name: round(cpu - before.get(name, 0.0), 2) for name, cpu in pipeline.cpu_seconds().items()}
    counted_ns = since_ns + int(WARM_UP_S * 1e9)
    report = read_report(pipeline.query, pipeline.accounts(since_ns), counted_ns, seconds, [])
    return {
        "streams": len(report.accounts),
        "offered_fps": rate_fps,
        "frames_per_s": round(report.frames_per_s, 2),
        "stages": {name: dict(delays) for name, delays in report.stages.items()},
        "accounted_for": complete and all(account.balanced for account in report.accounts),
        "published": json.loads(output),
        "cpu_s": spent | {"load": round(generator_cpu_s, 2)},
        "peak_rss_mib": dict(pipeline.peak_rss_mib),
    }


def _cpu_seconds(pid: int, last: float) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return last
    return float(times.user + times.system)

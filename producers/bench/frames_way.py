"""Frames in: end-to-end frames/s of the pipeline against a plain loop over the same video."""

import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

import cv2
from rich.console import Console

from producers.sources import Picture
from producers.synthetic.flat import Scene, SyntheticCamera
from producers.video_file import open_video_file
from sightline.named_models import open_recognizer
from sightline.pipeline.cameras import cameras_of_sources
from sightline.pipeline.models import with_hand_set_model
from sightline.pipeline.runs import RunPlan, execute
from sightline.settings import Settings
from sightline.stack.datadir import DataDir

LOOP_THREADS: Final = 2
DRAWN_FRAMES: Final = 900
HEAVY_LAYERS: Final = 6
"""Together 1.8 GFLOP a picture, about what YOLOv8n takes at 320x320."""


def measure_frames(settings: Settings, video: Path | None) -> dict[str, Any]:
    """Run the loop, the pipeline and the loop again; the ratio is to the mean of both loops.

    Returns:
        `loop_fps`, `pipeline_fps`, `ratio`, the pipeline's delays and memory.
    """
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as name:
        folder = Path(name)
        if video is None:
            video = folder / "drawn.avi"
            draw_video(video)
        settings = with_hand_set_model(settings, folder, HEAVY_LAYERS)
        before = loop_fps(settings, video)
        plan = RunPlan(
            cameras_of_sources([str(video)], "frames", realtime=False), None, None, "Bench: frames"
        )
        with DataDir(folder / "data") as data:
            report = execute(settings, data, plan, Console(stderr=True))
        after = loop_fps(settings, video)
    mean_fps = statistics.fmean([before, after])
    return {
        "loop_fps": [round(before, 2), round(after, 2)],
        "loop_threads": LOOP_THREADS,
        "pipeline_fps": round(report.frames_per_s, 2),
        "ratio": round(report.frames_per_s / mean_fps, 3),
        "frames": sum(account.written for account in report.accounts),
        "accounted_for": report.ok,
        "stages": {name: dict(delays) for name, delays in report.stages.items()},
        "peak_rss_mib": dict(report.peak_rss_mib),
    }


def loop_fps(settings: Settings, video: Path) -> float:
    """Frames/s of a plain loop: decode the video, run the detector with two threads, keep the boxes."""
    threads = settings.model.model_copy(update={"threads": LOOP_THREADS})
    detector = open_recognizer(threads)
    source = open_video_file(video)
    started_s, count = time.perf_counter(), 0
    for picture in source.pictures(threading.Event()):
        if isinstance(picture, Picture):
            detector.detect([picture.image])
            count += 1
    elapsed_s = time.perf_counter() - started_s
    source.close()
    return count / elapsed_s


def draw_video(path: Path) -> None:
    """A video of the synthetic camera, as motion JPEG."""
    scene = Scene(1)
    camera = SyntheticCamera(scene)
    fourcc = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), fourcc, scene.fps, (scene.width, scene.height))
    for index in range(DRAWN_FRAMES):
        writer.write(camera.draw(index))
    writer.release()

"""How fast the synthetic cameras are."""

import itertools
import os
import threading
import time
from typing import Any, Final

import cv2

from producers.synthetic import KINDS, SceneSettings, World
from producers.synthetic.camera import LoopCamera

_SEED: Final = 1
_LOOP_S: Final = 2.0
_LOOP_FRAMES: Final = 20_000


def measure_cameras(seconds: float) -> dict[str, Any]:
    """Frames/s of one core for 640x360 pictures, from fresh drawing, truth alone and the loop.

    Args:
        seconds: How long each scene is drawn.

    Returns:
        For each scene frames per second of processor time, which other programs' load changes little
        (`drawn_fps`, `truth_fps`, `loop_fps`), frames per second that passed (`drawn_fps_elapsed`), and the
        mean number of objects; and the machine's load at the start.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return {
            "size": "640x360",
            "load_before": round(os.getloadavg()[0], 2),
            "scenes": {kind: _measure(kind, seconds) for kind in KINDS},
        }
    finally:
        cv2.setNumThreads(threads)


def _measure(kind: str, seconds: float) -> dict[str, float]:
    settings = SceneSettings(kind, _SEED)
    world = World(settings)
    world.draw(0)
    begin_s, cpu_s, objects, drawn = time.perf_counter(), time.process_time(), 0, 0
    while time.perf_counter() - begin_s < seconds:
        drawn += 1
        world.draw(drawn)
        objects += len(world.truth(drawn).ids)
    elapsed_s, drawn_s = time.perf_counter() - begin_s, time.process_time() - cpu_s
    world, told = World(settings), 0
    begin_s, cpu_s = time.perf_counter(), time.process_time()
    while time.perf_counter() - begin_s < seconds / 2:
        world.truth(told)
        told += 1
    told_s = time.process_time() - cpu_s
    camera = LoopCamera(settings, _LOOP_S)
    cpu_s = time.process_time()
    for _ in itertools.islice(camera.pictures(threading.Event()), _LOOP_FRAMES):
        pass
    return {
        "drawn_fps": round(drawn / drawn_s, 1),
        "drawn_fps_elapsed": round(drawn / elapsed_s, 1),
        "truth_fps": round(told / told_s, 1),
        "loop_fps": round(_LOOP_FRAMES / (time.process_time() - cpu_s)),
        "objects": round(objects / max(drawn, 1), 1),
    }

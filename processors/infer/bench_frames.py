"""Frames to measure the analyzer with."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from sightline.errors import SightlineError
from sightline.vision.jpeg import encode_jpeg

MAX_FRAMES: Final = 300
SECONDS: Final = 5
SCENE: Final = ("--scene", "junction", "--seed", "100000")
"""A seed that the shipped networks were not trained on."""


def bench_frames(video: Path | None) -> Sequence[bytes]:
    """The first frames of a video as JPEGs; without one, of a scene that is drawn for it.

    Raises:
        SightlineError: The video cannot be read or drawn.
    """
    if video is not None:
        return read_frames(video)
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        drawn = Path(folder) / "scene.mp4"
        # By its command: the stages do not import each other.
        command = [sys.executable, "-m", "sightline", "cameras", "render", *SCENE, "--seconds", str(SECONDS)]
        done = subprocess.run([*command, str(drawn)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SightlineError(
                f"The scene cannot be drawn: {done.stderr.strip()}", "Give a video: --video."
            )
        return read_frames(drawn)


def read_frames(video: Path) -> Sequence[bytes]:
    """The first `MAX_FRAMES` frames of a video as JPEGs of quality 90; raises `SightlineError`."""
    capture = cv2.VideoCapture(str(video))
    frames: list[bytes] = []
    while len(frames) < MAX_FRAMES:
        good, image = capture.read()
        if not good:
            break
        frames.append(encode_jpeg(np.asarray(image, np.uint8)))
    capture.release()
    if not frames:
        raise SightlineError(f"The video {video} has no frames that can be read.", "Give another one.")
    return frames

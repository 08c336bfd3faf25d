"""The command line as a user has it, run as a process, and small inputs for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

SHARED = Path(__file__).parents[3] / "shared" / "data"
"""Videos and models for tests, beside a checkout where they are at hand; no part of the project."""


def environment() -> dict[str, str]:
    """Ours without settings: what a test wants to set it gives itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SIGHTLINE_")}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "sightline", *(str(argument) for argument in arguments)]


def run_sightline(*arguments: object, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=timeout_s, env=environment(), check=False
    )


def run_well(*arguments: object, timeout_s: float = 300) -> str:
    """The output of a command that must succeed."""
    done = run_sightline(*arguments, timeout_s=timeout_s)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rows(data: Path, sql: str) -> list[dict]:
    return json.loads(run_well("query", sql, "--data", data, "--format", "json"))


def make_video(path: Path, frames: int) -> None:
    """A red car drives over a grey road, one picture after the other."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (320, 180))
    for number in range(frames):
        image = np.full((180, 320, 3), 90, np.uint8)
        left = 10 + number * 3 % 250
        cv2.rectangle(image, (left, 80), (left + 31, 95), (40, 40, 220), -1)
        writer.write(image)
    writer.release()

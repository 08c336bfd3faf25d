"""`sightline bench analyzer`, small: it measures what it says, on real parts."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.appearance_network import write_appearance
from triton_repo.demo_detector import write_demo_detector


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "sightline", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("models")
    write_demo_detector(folder / "detector")
    look = write_appearance(folder / "look")
    return ["--set", f"model.path={folder / 'detector'}", "--set", f"model.appearance={look}"]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "grey.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (320, 192))
    for level in range(0, 250, 50):
        writer.write(np.full((192, 320, 3), level, np.uint8))
    writer.release()
    return path


def test_every_combination_is_measured_and_the_ratio_is_to_the_best_loop(
    settings: list[str], video: Path, tmp_path: Path
) -> None:
    output = tmp_path / "bench.json"
    sizes = ["--batches", "1,4", "--clients", "1,3", "--seconds", "0.2"]
    done = bench(*settings, "bench", "analyzer", "--video", str(video), *sizes, "--output", str(output))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert json.loads(output.read_text()) == result
    assert [(cell["batch"], cell["clients"]) for cell in result["triton"]] == [(1, 1), (1, 3), (4, 1), (4, 3)]
    assert all(cell["frames_per_s"] > 0 for cell in result["triton"])
    assert all(cell["cpu_ms_per_frame"].keys() == {"server", "models", "client"} for cell in result["triton"])
    assert result["appearance"] is True
    loops = [row[when]["frames_per_s"] for row in result["loop"] for when in ("before", "after")]
    assert result["best_loop_frames_per_s"] == pytest.approx(max(loops), abs=0.11)
    best = max(cell["frames_per_s"] for cell in result["triton"])
    assert result["ratio"] == pytest.approx(best / max(loops), rel=0.01)
    least_ms = min(
        row[when]["cpu_ms_per_frame"]["loop"] for row in result["loop"] for when in ("before", "after")
    )
    spent_ms = sum(result["best"]["cpu_ms_per_frame"].values())
    assert result["cpu_ratio"] == pytest.approx(least_ms / spent_ms, rel=0.05)
    assert "3 clients" in done.stderr


@pytest.mark.parametrize("sizes", [["--batches", "0"], ["--batches", "33"], ["--clients", "many"]])
def test_sizes_that_are_none_are_refused(settings: list[str], video: Path, sizes: list[str]) -> None:
    done = bench(*settings, "bench", "analyzer", "--video", str(video), *sizes)
    assert done.returncode != 0
    assert "is not a list of numbers" in done.stderr


def test_a_video_that_cannot_be_read_is_refused(settings: list[str], tmp_path: Path) -> None:
    done = bench(*settings, "bench", "analyzer", "--video", str(tmp_path / "none.mp4"))
    assert done.returncode != 0
    assert "no frames that can be read" in done.stderr
    assert "Traceback" not in done.stderr

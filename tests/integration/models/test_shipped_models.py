"""The models that ship find and tell apart what the synthetic cameras show, on seeds never trained on."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from producers.synthetic import SceneSettings, World
from sightline.vision.describe import find_model
from sightline.vision.detector import Detector
from sightline.vision.onnx_backend import OnnxBackend
from triton_repo.evaluation.run import APPEARANCE, DETECTOR

MAX_BYTES = 3_000_000


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    command = [sys.executable, "-m", "sightline", "models", "eval", "--json"]
    command += ["--seed", "100500", "--scenes", "18", "--shots", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("folder", [DETECTOR, APPEARANCE], ids=["detector", "appearance"])
def test_the_weights_are_those_of_the_card_and_small(folder: Path) -> None:
    data = (folder / "model.onnx").read_bytes()
    card = (folder.parent / "CARD.md").read_text(encoding="utf-8")
    assert re.findall(r"\b[0-9a-f]{64}\b", card) == [hashlib.sha256(data).hexdigest()]
    assert len(data) <= MAX_BYTES


def test_objects_are_found(report: dict[str, Any]) -> None:
    assert report["pictures"] == 36
    assert report["objects"] > 200
    assert report["map50"] > 0.90
    assert report["map50_95"] > 0.60


def test_objects_are_found_by_day_and_night_dry_and_in_rain(report: dict[str, Any]) -> None:
    parts = report["lights"] | report["weathers"]
    assert set(parts) == {"day", "dusk", "night", "clear", "rain"}
    assert min(part["map50"] for part in parts.values()) > 0.80


def test_objects_are_told_apart(report: dict[str, Any]) -> None:
    assert report["attribute_accuracy"] > 0.95
    assert report["attribute_accuracy_detected"] > 0.90
    assert report["reid_comparisons"] > 100
    assert report["reid_pairs"] > 0.93


def test_a_dead_or_dark_camera_shows_nothing() -> None:
    path, spec = find_model(DETECTOR)
    with OnnxBackend(path, output_names=(spec.output_name,)) as backend:
        detector = Detector(spec, backend, score_threshold=0.25)
        for level in (0, 16, 114):
            assert len(detector.detect([np.full((360, 640, 3), level, np.uint8)])[0].scores) == 0


def test_empty_scenes_hardly_ever_raise_a_false_alarm() -> None:
    path, spec = find_model(DETECTOR)
    alarms, empty = 0, 0
    with OnnxBackend(path, output_names=(spec.output_name,)) as backend:
        detector = Detector(spec, backend, score_threshold=0.25)
        for seed in range(100_917, 100_931):
            kind = ("dock", "footpath", "junction")[seed % 3]
            world = World(SceneSettings(kind=kind, seed=seed, density=0.1, fps=1.0))
            for index in range(0, 12, 3):
                if len(world.truth(index).boxes) == 0:
                    empty += 1
                    alarms += len(detector.detect([world.draw(index)])[0].scores)
    assert empty >= 8
    assert alarms <= empty // 4


def test_a_detector_of_other_classes_is_refused(tmp_path: Path) -> None:
    for name in ("model.onnx", "model.json"):
        (tmp_path / name).write_bytes((DETECTOR / name).read_bytes())
    spec = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    spec |= {"labels": ["a", "b", "c", "d", "e"], "labels_version": ""}
    (tmp_path / "model.json").write_text(json.dumps(spec), encoding="utf-8")
    command = [sys.executable, "-m", "sightline", "models", "eval", "--detector", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "car, truck, bus, bicycle, person" in " ".join(done.stderr.split())

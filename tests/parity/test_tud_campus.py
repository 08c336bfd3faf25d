"""Our HOTA, MOTA and IDF1 on TUD-Campus with its public detections, by TrackEval, are what they were.

A change of the tracker that moves them has to say so here. The peers' numbers are in docs/tracking.md.
"""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from sightline_mot import run

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "mot" / "TUD-Campus"
PYTHON = ROOT / ".venv-parity" / "bin" / "python"
FPS = 25.0
EXPECTED = {"HOTA": 54.04, "MOTA": 59.61, "IDF1": 71.93, "IDSW": 6}


def corners(rows: np.ndarray) -> np.ndarray:
    """MOTChallenge's left, top, width, height (columns 2 to 5) as corners."""
    return np.c_[rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]]


def test_tud_campus_scores_are_unchanged() -> None:
    if not DATA.exists():
        pytest.skip(f"{DATA} is not here: TUD-Campus's ground truth and public detections")
    assert PYTHON.exists(), "TrackEval's environment is missing: run `make parity`"
    truth, found = (np.loadtxt(DATA / name, delimiter=",") for name in ("gt.txt", "det.txt"))
    frames = [found[found[:, 0] == frame] for frame in range(1, int(truth[:, 0].max()) + 1)]
    dets = [np.c_[corners(rows), rows[:, 6], -np.ones(len(rows))] for rows in frames]
    tracks, _ = run(dets, None, FPS)
    asked = json.dumps({"truth": np.c_[truth[:, :2], corners(truth)].tolist(), "tracks": tracks.tolist()})
    score = Path(__file__).with_name("score.py")
    done = subprocess.run([PYTHON, score], input=asked, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == pytest.approx(EXPECTED, abs=0.05)

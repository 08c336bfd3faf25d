"""Our HOTA, MOTA and IDF1 on TUD-Campus with its public detections, by TrackEval, are what they were.

A change of the tracker that moves them has to say so here. The peers' numbers are in docs/tracking.md.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from sightline_mot import run

from sightline.scoring.scorer import Scene, install_scorer, score
from sightline.stack.cache import cache_folder

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "mot" / "TUD-Campus"
FPS = 25.0
EXPECTED = {"hota": 55.66, "mota": 65.18, "idf1": 76.73, "id_switches": 2}


def corners(rows: np.ndarray) -> np.ndarray:
    """MOTChallenge's left, top, width, height (columns 2 to 5) as corners."""
    return np.c_[rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]]


def test_tud_campus_scores_are_unchanged() -> None:
    if not DATA.exists():
        pytest.skip(f"{DATA} is not here: TUD-Campus's ground truth and public detections")
    truth, found = (np.loadtxt(DATA / name, delimiter=",") for name in ("gt.txt", "det.txt"))
    frames = [found[found[:, 0] == frame] for frame in range(1, int(truth[:, 0].max()) + 1)]
    dets = [np.c_[corners(rows), rows[:, 6], -np.ones(len(rows))] for rows in frames]
    tracks, _ = run(dets, None, FPS)
    from_zero = [1, 0, 0, 0, 0, 0]
    boxes = np.c_[truth[:, :2], corners(truth)]
    scene = Scene(len(frames), (boxes - from_zero).tolist(), (tracks - from_zero).tolist())
    combined, single = score(install_scorer(cache_folder(os.environ, Path.home())), {"TUD-Campus": scene})
    assert {name: getattr(combined, name) for name in EXPECTED} == pytest.approx(EXPECTED, abs=0.05)
    assert single == {"TUD-Campus": combined}

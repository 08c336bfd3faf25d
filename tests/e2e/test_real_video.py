"""Of what a plain loop over a video finds, the tables have nearly everything, whichever way it came in."""

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from sightline.vision.labels import COCO_LABELS
from tests.e2e.reference_yolox import detect_all, iou
from tests.e2e.system import SHARED, rows, run_well

VIDEO = SHARED / "video" / "bridge_traffic.mp4"
MODEL = SHARED / "models" / "yolox_nano.onnx"
FRAMES = 917

pytestmark = pytest.mark.skipif(
    not (VIDEO.exists() and MODEL.exists()), reason=f"the shared video and model are not at {SHARED}"
)

SQL = "SELECT seq, label, x1, y1, x2, y2 FROM detections WHERE stream_id = 'bridge_traffic'"

Found = dict[tuple[int, str], list[list[float]]]


def run_video(data: Path, mode: str) -> Found:
    report = data.parent / "report.json"
    options = ("--model", MODEL, "--head", "yolox", "--mode", mode, "--data", data, "--report", report)
    run_well("run", VIDEO, *options, timeout_s=600)
    stream = json.loads(report.read_text())["streams"]["bridge_traffic"]
    assert (stream["captured"], stream["written"], stream["in_flight"]) == (FRAMES, FRAMES, 0)
    found: Found = defaultdict(list)
    for row in rows(data, SQL):
        found[row["seq"], row["label"]].append([row[name] for name in ("x1", "y1", "x2", "y2")])
    return found


def share_found(found: Found, jpeg_quality: int | None, at_iou: float) -> float:
    """Share of the plain loop's boxes that are in the table with the same frame and class."""
    hits = []
    for seq, boxes in enumerate(detect_all(VIDEO, MODEL, jpeg_quality)):
        for box in boxes:
            same = found.get((seq, COCO_LABELS[int(box[5])]), [])
            hits.append(any(iou(box, other) >= at_iou for other in same))
    assert len(hits) > 1000
    return float(np.mean(hits))


@pytest.fixture(scope="module")
def by_frames(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return run_video(tmp_path_factory.mktemp("frames") / "data", "frames")


def test_frames_sent_as_jpeg_lose_little_to_the_codec(by_frames):
    assert share_found(by_frames, None, 0.7) >= 0.985


def test_frames_sent_as_jpeg_lose_nothing_to_the_pipeline(by_frames):
    assert share_found(by_frames, 90, 0.95) >= 0.995


def test_a_gateway_that_detects_finds_what_the_loop_finds(tmp_path):
    assert share_found(run_video(tmp_path / "data", "detections"), None, 0.95) >= 0.995

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from sightline.vision.describe import find_model
from sightline.vision.detector import Detector
from sightline.vision.jpeg import decode_jpeg, encode_jpeg
from sightline.vision.onnx_backend import OnnxBackend
from sightline.vision.palette import (
    BACKGROUND_MAX_CHROMA,
    MAX_SCALE,
    MIN_SCALE,
    PALETTE,
    PICTURE_HEIGHT_PX,
    PICTURE_WIDTH_PX,
)
from triton_repo.demo_detector import build_demo_detector, main

Box = tuple[int, int, int, int]


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    folder = tmp_path_factory.mktemp("demo")
    assert main([str(folder)]) == 0
    path, spec = find_model(folder)
    return Detector(spec, OnnxBackend(path, output_names=(spec.output_name,)))


def draw(
    rng: np.random.Generator, count: int, zoom: float
) -> tuple[NDArray[np.uint8], list[tuple[int, Box]]]:
    """Draw as palette.py says, on the most colourful background that it allows."""
    width, height = round(PICTURE_WIDTH_PX * zoom), round(PICTURE_HEIGHT_PX * zoom)
    tint = rng.integers(0, BACKGROUND_MAX_CHROMA // 2, 3)
    image = np.clip(rng.integers(40, 200) + tint + rng.normal(0, 3, (height, width, 1)), 0, 255).astype(
        np.uint8
    )
    image[height // 2 : height // 2 + 3] = 230
    truth: list[tuple[int, Box]] = []
    for _ in range(20 * count):
        kind_id = int(rng.integers(len(PALETTE)))
        scale = rng.uniform(MIN_SCALE, MAX_SCALE) * zoom
        kind = PALETTE[kind_id]
        w, h = round(kind.width_px * scale), round(kind.height_px * scale)
        x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
        gap = 8 * zoom
        if len(truth) == count:
            break
        if any(
            x < b[2] + gap and b[0] < x + w + gap and y < b[3] + gap and b[1] < y + h + gap for _, b in truth
        ):
            continue
        if kind.shape == "rectangle":
            cv2.rectangle(image, (x, y), (x + w - 1, y + h - 1), kind.bgr, cv2.FILLED)
        else:
            axes = ((x + (w - 1) / 2, y + (h - 1) / 2), (w - 1, h - 1), 0)
            cv2.ellipse(image, axes, kind.bgr, cv2.FILLED)
        truth.append((kind_id, (x, y, x + w, y + h)))
    return image, truth


def iou(a: Box, b: NDArray[np.float32]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


@pytest.mark.parametrize(("seed", "zoom"), [(seed, zoom) for seed in range(12) for zoom in (0.5, 1.0, 2.0)])
def test_it_finds_each_drawn_object_once_with_its_class_and_box_and_nothing_else(
    detector: Detector, seed: int, zoom: float
) -> None:
    image, truth = draw(np.random.default_rng(seed), 7, zoom)
    (found,) = detector.detect([decode_jpeg(encode_jpeg(image, 90))])
    assert len(found.scores) == len(truth)
    assert (found.scores > 0.5).all()
    for kind_id, box in truth:
        overlaps = [iou(box, other) for other in found.boxes[found.class_ids == kind_id]]
        assert max(overlaps, default=0) >= 0.7


def test_it_finds_nothing_on_a_background_of_any_grey(detector: Detector) -> None:
    for level in (0, 60, 128, 200, 255):
        image = np.full((360, 640, 3), level, np.uint8)
        image[:, 300:330] = 255 - level
        (found,) = detector.detect([decode_jpeg(encode_jpeg(image, 90))])
        assert len(found.scores) == 0


def test_an_object_that_leaves_the_picture_keeps_the_part_that_is_seen(detector: Detector) -> None:
    image = np.full((360, 640, 3), 90, np.uint8)
    cv2.rectangle(image, (600, 100), (700, 131), PALETTE[0].bgr, cv2.FILLED)
    (found,) = detector.detect([image])
    assert found.boxes[0].tolist() == pytest.approx([600, 100, 640, 132], abs=3)


def test_the_same_bytes_are_built_each_time() -> None:
    assert build_demo_detector() == build_demo_detector()


def test_a_wrong_command_line_and_a_folder_that_cannot_be_written_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])
    (tmp_path / "file").write_text("")
    assert main([str(tmp_path / "file")]) == 1
    assert "Cannot write the demo's detector" in capsys.readouterr().err

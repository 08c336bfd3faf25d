from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision import analyze as module
from sightline.vision.analyze import analyze, failed, pack
from sightline.vision.detector import Detected
from sightline.vision.jpeg import JpegLimits, encode_jpeg
from sightline.vision.serving import ServingOptions, read_options


class CountsByWidth:
    """Finds as many boxes as the picture's width has tens; cannot stand pictures 13 high."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detected]:
        self.runs.append(len(images))
        if any(image.shape[0] == 13 for image in images):
            raise SightlineError("13 is unlucky.")
        return [some(image.shape[1] // 10) for image in images]


def some(count: int) -> Detected:
    boxes = np.arange(count * 4, dtype=np.float32).reshape(count, 4) + 1
    return Detected(boxes, np.full(count, 0.5, np.float32), np.arange(count, dtype=np.uint16) + 1)


def jpeg(width: int, height: int = 16) -> bytes:
    return encode_jpeg(np.zeros((height, width, 3), np.uint8))


GOOD = jpeg(20)
BAD = {"truncated JPEG": GOOD[:-9], "no JPEG": b"x", "too many pixels": jpeg(80, 80)}
LIMITS = JpegLimits(max_pixels=79 * 80)
item = st.sampled_from(["good", *BAD])


@given(st.lists(item, max_size=8))
def test_bad_jpegs_get_their_reason_and_leave_their_neighbours_alone(items: list[str]) -> None:
    detector = CountsByWidth()
    results = analyze([BAD.get(each, GOOD) for each in items], detector, limits=LIMITS)
    assert [result.error or "good" for result in results] == items
    for result in results:
        expected = (0, 0, 0) if result.error else (2, 20, 16)
        assert (len(result.detected.scores), result.width, result.height) == expected


def test_one_detector_run_serves_the_whole_batch_also_with_threads() -> None:
    detector = CountsByWidth()
    with ThreadPoolExecutor(3) as threads:
        results = analyze([jpeg(10 * n) for n in range(1, 9)], detector, threads.map)
    assert detector.runs == [8]
    assert [len(result.detected.scores) for result in results] == list(range(1, 9))


def test_a_picture_that_breaks_the_model_fails_alone() -> None:
    results = analyze([jpeg(10), jpeg(20, 13), jpeg(30)], CountsByWidth())
    assert [result.error for result in results] == ["", "cannot be analyzed: 13 is unlucky.", ""]
    assert [len(result.detected.scores) for result in results] == [1, 0, 3]


def test_pictures_that_are_large_together_are_not_decoded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DECODED_PIXELS", 1000)
    detector = CountsByWidth()
    results = analyze([jpeg(30), jpeg(30), jpeg(30), jpeg(90), jpeg(10)], detector)
    assert detector.runs == [2, 1, 1, 1]
    assert [len(result.detected.scores) for result in results] == [3, 3, 3, 9, 1]


@given(st.lists(st.integers(0, 5) | st.just(None), min_size=1, max_size=6))
def test_packed_arrays_hold_each_result_and_zeros_beyond(counts: list[int | None]) -> None:
    analyses = [failed("bad") if n is None else module.Analysis(some(n), 8, 6) for n in counts]
    packed = pack(analyses)
    most = max(1, *(n or 0 for n in counts), 0)
    assert packed["boxes"].shape == (len(counts), most, 4)
    assert packed["scores"].shape == packed["class_ids"].shape == (len(counts), most)
    for row, count in enumerate(counts):
        real = count or 0
        assert packed["count"][row].tolist() == [real]
        assert np.array_equal(packed["boxes"][row, :real], some(real).boxes)
        assert not packed["boxes"][row, real:].any()
        assert not packed["scores"][row, real:].any()
        assert packed["size"][row].tolist() == ([0, 0] if count is None else [8, 6])
        assert packed["status"][row, 0] == (b"bad" if count is None else b"")


def test_options_are_read_from_text_and_missing_ones_have_defaults() -> None:
    assert read_options({}) == ServingOptions()
    parameters = {"score_threshold": "0.25", "parallel_runs": "4", "labels": "[]"}
    assert read_options(parameters) == ServingOptions(score_threshold=0.25, parallel_runs=4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("score_threshold", "high"),
        ("nms_iou", "1.5"),
        ("parallel_runs", "0"),
        ("decode_threads", "2.5"),
        ("device", "tpu"),
    ],
)
def test_an_option_out_of_range_is_an_error_that_names_it(name: str, value: str) -> None:
    with pytest.raises(SightlineError, match=name):
        read_options({name: value})


def test_the_vision_package_imports_nothing_else_of_ours() -> None:
    folder = Path(module.__file__).parent
    for file in folder.glob("*.py"):
        for line in file.read_text().splitlines():
            words = line.split()
            if words[:1] in (["from"], ["import"]):
                package = words[1]
                ours = package.split(".")[0] in (
                    "sightline",
                    "schemas",
                    "producers",
                    "processors",
                    "consumers",
                )
                assert not ours or package == "sightline.errors" or package.startswith("sightline.vision."), (
                    file
                )

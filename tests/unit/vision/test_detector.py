from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.backend import Arrays, Capabilities
from sightline.vision.detector import Detector
from sightline.vision.heads import Head
from sightline.vision.model import IMAGENET, MEGVII, ULTRALYTICS, ModelSpec
from sightline.vision.onnx_backend import OnnxBackend, OnnxOptions
from sightline.vision.preprocess import Preprocessor

SPEC = ModelSpec(Head.END2END, 64, 32, "images", "output0", ("low", "high"), ULTRALYTICS)


class Finds:
    """A back end that finds the same rows in every picture and keeps the batches it saw."""

    def __init__(self, rows: list[list[float]], max_batch: int | None = None) -> None:
        self.capabilities = Capabilities(max_batch)
        self._rows = np.array(rows, np.float32).reshape(-1, 6)
        self.batches: list[NDArray[Any]] = []

    def infer(self, batch: NDArray[Any]) -> Arrays:
        self.batches.append(batch.copy())
        return (np.repeat(self._rows[None], len(batch), axis=0),)


def plain(width: int, height: int, level: int = 200) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, np.uint8)


def test_boxes_are_in_source_pixels_clipped_sorted_and_without_repeats() -> None:
    rows = [
        [10, 10, 20, 20, 0.5, 0],
        [10, 10, 20, 20.5, 0.6, 0],  # the same thing, better
        [10, 10, 20, 20, 0.4, 1],  # another class
        [-50, -50, 5, 5, 0.9, 0],
        [70, 40, 90, 50, 0.8, 0],  # outside
        [30, 10, 40, 20, 0.09, 0],  # below the threshold
    ]
    (found,) = Detector(SPEC, Finds(rows)).detect([plain(128, 64)])
    assert found.boxes.tolist() == [[0, 0, 10, 10], [20, 20, 40, 41], [20, 20, 40, 40]]
    assert found.scores.tolist() == pytest.approx([0.9, 0.6, 0.4])
    assert found.class_ids.tolist() == [0, 0, 1]
    assert (found.boxes.dtype, found.scores.dtype, found.class_ids.dtype) == (
        np.float32,
        np.float32,
        np.uint16,
    )


def test_pictures_of_several_sizes_share_a_batch_and_keep_their_order() -> None:
    backend = Finds([[0, 0, 64, 32, 0.9, 0]])
    found = Detector(SPEC, backend).detect([plain(64, 32), plain(640, 320), plain(16, 16)])
    assert [len(batch) for batch in backend.batches] == [3]
    assert [one.boxes[0].tolist() for one in found] == [[0, 0, 64, 32], [0, 0, 640, 320], [0, 0, 16, 16]]


def test_a_back_end_gets_no_more_pictures_than_it_takes() -> None:
    backend = Finds([], max_batch=2)
    assert len(Detector(SPEC, backend).detect([plain(64, 32)] * 5)) == 5
    assert [len(batch) for batch in backend.batches] == [2, 2, 1]


def test_no_pictures_give_no_results_and_nothing_found_gives_empty_ones() -> None:
    backend = Finds([])
    assert Detector(SPEC, backend).detect([]) == []
    assert not backend.batches
    (found,) = Detector(SPEC, backend).detect([plain(9, 9)])
    assert found.boxes.shape == (0, 4)
    assert found.class_ids.dtype == np.uint16


def test_no_more_than_the_most_detections_are_given() -> None:
    rows = [[i * 3, 0, i * 3 + 2, 9, 0.5, 0] for i in range(20)]
    (found,) = Detector(SPEC, Finds(rows), max_detections=7).detect([plain(64, 32)])
    assert len(found.scores) == 7


side = st.integers(1, 80)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(side, side), min_size=1, max_size=6), st.sampled_from(["NCHW", "NHWC"]), st.booleans()
)
def test_a_reused_buffer_holds_nothing_of_earlier_pictures(
    sizes: list[tuple[int, int]], layout: Any, yolox: bool
) -> None:
    spec = replace(SPEC, layout=layout, preprocessing=MEGVII if yolox else ULTRALYTICS)
    reused = Preprocessor(spec)
    for width, height in sizes:
        image = np.arange(width * height * 3, dtype=np.uint32).reshape(height, width, 3).astype(np.uint8)
        batch, _ = reused([image])
        fresh, _ = Preprocessor(spec)([image])
        assert np.array_equal(batch, fresh)


@pytest.mark.parametrize(
    ("preprocessing", "order", "scale"), [(ULTRALYTICS, (2, 1, 0), 255), (MEGVII, (0, 1, 2), 1)]
)
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_colour_scale_padding_and_layout_are_those_of_the_spec(
    preprocessing: Any, order: tuple[int, ...], scale: float, layout: Any, dtype: Any
) -> None:
    spec = replace(SPEC, preprocessing=preprocessing, layout=layout, dtype=dtype)
    image = np.full((32, 32, 3), (10, 100, 250), np.uint8)
    batch, (box,) = Preprocessor(spec)([image])
    assert batch.dtype == dtype
    planes = batch[0] if layout == "NCHW" else batch[0].transpose(2, 0, 1)
    assert planes.shape == (3, 32, 64)
    inside = planes[:, box.top : box.top + 32, box.left : box.left + 32]
    for channel, source in enumerate(order):
        assert inside[channel] == pytest.approx(image[0, 0, source] / scale, rel=1e-3)
    outside = np.delete(planes, range(box.left, box.left + 32), axis=2)
    assert outside == pytest.approx(114 / scale, rel=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_mean_and_deviation_are_of_each_channel_and_stretching_leaves_no_padding(dtype: Any) -> None:
    spec = replace(SPEC, preprocessing=IMAGENET, dtype=dtype)
    image = np.full((32, 32, 3), (10, 100, 250), np.uint8)
    batch, (box,) = Preprocessor(spec)([image])
    for channel, level in enumerate((250, 100, 10)):
        expected = (level / 255 - IMAGENET.mean[channel]) / IMAGENET.deviation[channel]
        assert batch[0, channel] == pytest.approx(expected, rel=2e-3)
    assert (box.inner_width, box.inner_height) == (spec.width, spec.height)


@pytest.mark.parametrize(
    "image", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.float32), np.zeros((0, 9, 3), np.uint8)]
)
def test_what_is_no_bgr_picture_is_an_error(image: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="a picture is uint8"):
        Detector(SPEC, Finds([])).detect([image])


@pytest.mark.parametrize("batch", [1, 3, "batch"])
@pytest.mark.parametrize(
    "options", [OnnxOptions(), OnnxOptions(parallel_runs=2), OnnxOptions(threads_per_run=2)]
)
def test_onnx_gives_each_picture_its_own_answer_whatever_the_batch_and_threads(
    make_model: Callable[..., Path], batch: int | str, options: OnnxOptions
) -> None:
    # Each score is a hundredth of the picture's mean level.
    model = make_model(np.zeros((4, 6), np.float32), (batch, 3, 32, 64), per_mean=0.01)
    images = np.stack([np.full((3, 32, 64), level, np.float32) for level in range(7)])
    with OnnxBackend(model, options, ("output0",)) as backend:
        (output,) = backend.infer(images)
    assert output.shape == (7, 4, 6)
    assert output[:, 0, 4].tolist() == pytest.approx([level / 100 for level in range(7)])


def test_a_batch_that_the_model_cannot_take_is_an_error_and_no_traceback(
    make_model: Callable[..., Path],
) -> None:
    backend = OnnxBackend(make_model(np.zeros((4, 6), np.float32), (1, 3, 32, 64)))
    with pytest.raises(SightlineError, match="cannot run the model"):
        backend.infer(np.zeros((1, 3, 9, 9), np.float32))


def test_a_missing_onnx_runtime_is_an_error_that_names_the_package(
    make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(SightlineError) as caught:
        OnnxBackend(make_model(np.zeros((4, 6), np.float32)))
    assert "pip install onnxruntime" in caught.value.fix


def test_cuda_without_its_library_is_an_error(
    make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(SightlineError, match="cannot use CUDA"):
        OnnxBackend(make_model(np.zeros((4, 6), np.float32)), OnnxOptions(device="cuda"))

"""Detections get embeddings and probabilities: against a slow reference, and whatever is detected."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision import recognizer as module
from sightline.vision.appearance import find_appearance
from sightline.vision.backend import Arrays, Capabilities
from sightline.vision.detector import Detected
from sightline.vision.heads import Head
from sightline.vision.model import ULTRALYTICS, ModelSpec
from sightline.vision.onnx_backend import OnnxBackend, OnnxOptions
from sightline.vision.recognizer import Appearance, Recognizer
from tests.appearance_network import SPEC, expected, write_appearance

THRESHOLD = 0.25
DETECTOR = ModelSpec(Head.YOLOV8, 320, 192, "images", "output0", ("car", "person"), ULTRALYTICS)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnnxBackend]:
    path, spec = find_appearance(write_appearance(tmp_path_factory.mktemp("look") / "network"))
    assert spec == SPEC
    outputs = (SPEC.embedding_name, SPEC.probabilities_name)
    with OnnxBackend(path, OnnxOptions(parallel_runs=2), outputs) as backend:
        yield backend


class Counts:
    """A back end in front of another one that keeps the sizes of its batches."""

    def __init__(self, backend: OnnxBackend, max_batch: int | None = None) -> None:
        self.capabilities = Capabilities(max_batch)
        self.sizes: list[int] = []
        self._backend = backend

    def infer(self, batch: NDArray[Any]) -> Arrays:
        self.sizes.append(len(batch))
        return self._backend.infer(batch)


class Says:
    """A back end that gives fixed outputs."""

    capabilities = Capabilities()

    def __init__(self, *outputs: NDArray[Any]) -> None:
        self._outputs = outputs

    def infer(self, batch: NDArray[Any]) -> Arrays:
        return self._outputs


def detected(boxes: Any, scores: Any) -> Detected:
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return Detected(boxes, np.array(scores, np.float32), np.zeros(len(boxes), np.uint16))


def picture(seed: int, width: int = 50, height: int = 40) -> NDArray[np.uint8]:
    # Smooth, so that a crop one pixel off differs.
    small = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    return np.asarray(cv2.resize(small, (width, height)), np.uint8)


def assert_described(images: list[NDArray[np.uint8]], found: list[Detected], made: list[Detected]) -> None:
    """Each detection against a crop that is cut and stretched on its own."""
    for image, before, after in zip(images, found, made, strict=True):
        assert after.embeddings is not None
        assert after.probabilities is not None
        assert after.embeddings.shape == (len(before.scores), 4)
        assert after.probabilities.shape == (len(before.scores), 3)
        assert (after.embeddings.dtype, after.probabilities.dtype) == (np.float16, np.float32)
        assert np.array_equal(after.boxes, before.boxes)
        for row, (box, score) in enumerate(zip(before.boxes.tolist(), before.scores, strict=True)):
            x1, y1, x2, y2 = box
            if score < np.float32(THRESHOLD) or min(np.float32(x2 - x1), np.float32(y2 - y1)) < 4:
                assert not after.embeddings[row].any()
                assert not after.probabilities[row].any()
                continue
            part = image[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))].copy()
            embedding, probabilities = expected(np.asarray(cv2.resize(part, (16, 16)), np.uint8))
            assert after.embeddings[row] == pytest.approx(embedding, abs=3e-3)
            assert after.probabilities[row] == pytest.approx(probabilities, abs=1e-4)


@st.composite
def found_in_a_picture(draw: st.DrawFn) -> Detected:
    count = draw(st.integers(0, 4))
    boxes = []
    for _ in range(count):
        x1, y1 = draw(st.floats(0, 49, width=32)), draw(st.floats(0, 39, width=32))
        boxes.append((x1, y1, draw(st.floats(x1, 50, width=32)), draw(st.floats(y1, 40, width=32))))
    return detected(boxes, [draw(st.sampled_from((0.1, 0.25, 0.9))) for _ in boxes])


@settings(max_examples=60, deadline=None)
@given(st.lists(found_in_a_picture(), max_size=4))
def test_each_detection_is_told_what_its_own_crop_gives(network: OnnxBackend, found: list[Detected]) -> None:
    images = [picture(seed) for seed in range(len(found))]
    assert_described(images, found, Appearance(SPEC, network, THRESHOLD).describe(images, found))


def test_crops_of_all_pictures_share_one_run(network: OnnxBackend) -> None:
    counts = Counts(network)
    images = [picture(1), picture(2, 90, 70), picture(3)]
    found = [
        detected([(0, 0, 50, 40), (5, 5, 20, 30)], (0.9, 0.8)),
        detected([(40.5, 30.5, 89.5, 69.5)], (0.7,)),
        detected([(1, 1, 9, 9), (2, 2, 3, 3)], (0.2, 0.9)),
    ]
    made = Appearance(SPEC, counts, THRESHOLD).describe(images, found)
    assert counts.sizes == [3]
    assert_described(images, found, made)


@pytest.mark.parametrize(("max_batch", "largest"), [(None, module.MAX_CROPS), (50, 50)])
def test_thousands_of_boxes_are_cut_into_runs_of_bounded_size(
    network: OnnxBackend, max_batch: int | None, largest: int
) -> None:
    counts = Counts(network, max_batch)
    random = np.random.default_rng(3)
    corners = random.uniform(0, 30, (3000, 2))
    boxes = np.hstack((corners, corners + random.uniform(3, 10, (3000, 2))))
    found = [detected(boxes[start::3], random.uniform(0.1, 1, 1000)) for start in range(3)]
    images = [picture(seed) for seed in range(3)]
    made = Appearance(SPEC, counts, THRESHOLD).describe(images, found)
    assert set(counts.sizes[:-1]) == {largest}
    assert 0 < counts.sizes[-1] <= largest
    assert_described(images, found, made)


def test_pictures_in_which_nothing_is_found_need_no_run(network: OnnxBackend) -> None:
    counts = Counts(network)
    found = [detected([], []), detected([(1, 1, 9, 9)], (0.1,))]
    made = Appearance(SPEC, counts, THRESHOLD).describe([picture(1), picture(2)], found)
    assert counts.sizes == []
    assert_described([picture(1), picture(2)], found, made)
    assert Appearance(SPEC, counts).describe([], []) == []


def test_numbers_that_are_not_finite_harm_only_their_own_crop() -> None:
    embeddings = np.ones((4, 4), np.float32)
    embeddings[1, 2], embeddings[2, 0] = np.nan, 1e30  # beyond float16
    probabilities = np.full((4, 3), 0.3, np.float32)
    probabilities[0, 0], probabilities[3, 1] = 1 + 1e-6, np.inf
    found = [detected([(0, 0, 9, 9)] * 3, (0.9,) * 3), detected([(0, 0, 9, 9)], (0.9,))]
    made = Appearance(SPEC, Says(embeddings, probabilities)).describe([picture(1), picture(2)], found)
    rows = np.concatenate([one.embeddings for one in made if one.embeddings is not None])
    told = np.concatenate([one.probabilities for one in made if one.probabilities is not None])
    assert rows.any(axis=1).tolist() == [True, False, False, True]
    assert told.any(axis=1).tolist() == [True, True, True, False]
    assert told.max() == 1.0


@pytest.mark.parametrize("shapes", [((1, 5), (1, 3)), ((1, 4), (1, 4)), ((1, 4),), ((2, 4), (2, 3))])
def test_outputs_that_are_not_as_the_metadata_says_are_an_error(shapes: tuple[tuple[int, int], ...]) -> None:
    says = Says(*(np.zeros(shape, np.float32) for shape in shapes))
    with pytest.raises(SightlineError, match="outputs of the shapes"):
        Appearance(SPEC, says).describe([picture(1)], [detected([(0, 0, 9, 9)], (0.9,))])


def test_a_recognizer_is_its_detector_and_a_look_at_what_it_finds(network: OnnxBackend) -> None:
    class Finds:
        spec = DETECTOR

        def detect(self, images: Any) -> list[Detected]:
            return [detected([(0, 0, 20, 20)], (0.9,)) for _ in images]

    finds: Any = Finds()
    plain = Recognizer(finds)
    assert (plain.spec, plain.appearance) == (DETECTOR, None)
    assert plain.detect([picture(1)])[0].embeddings is None
    both = Recognizer(finds, Appearance(SPEC, network))
    assert both.appearance == SPEC
    images = [picture(1), picture(2)]
    assert_described(images, finds.detect(images), both.detect(images))


def test_a_network_with_bgr_crops_sees_blue_where_one_with_rgb_sees_red(network: OnnxBackend) -> None:
    red = np.zeros((20, 20, 3), np.uint8)
    red[..., 2] = 255
    found = [detected([(0, 0, 20, 20)], (0.9,))]
    for colour, best in (("RGB", 0), ("BGR", 2)):
        spec = replace(SPEC, colour=colour)  # type: ignore[arg-type]
        (made,) = Appearance(spec, network).describe([red], found)
        assert made.probabilities is not None
        assert made.probabilities.argmax() == best

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.vision.heads import Head, InputSize
from sightline.vision.model import ULTRALYTICS, ModelSpec
from sightline.vision.preprocess import Preprocessor
from triton_repo.training.augment import (
    PAD_VALUE,
    Variety,
    clip_boxes,
    draw_placement,
    is_ignored,
    relight,
)

SIZE = InputSize(416, 256)
seeds = st.integers(0, 2**32 - 1)


def rng_of(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@settings(deadline=None)
@given(seeds)
def test_boxes_go_where_the_pixels_go(seed: int) -> None:
    placement = draw_placement(640, 360, SIZE, Variety(), rng_of(seed))
    image = np.zeros((360, 640, 3), np.uint8)
    box = np.array([[280, 150, 380, 210]], np.float32)  # near the middle: inside wherever it is moved
    image[150:210, 280:380] = 255
    placed = placement.place(image)
    rows, columns = np.nonzero(placed[..., 0] > 180)
    seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    assert np.abs(placement.move(box)[0] - seen).max() <= 1.0


@settings(deadline=None)
@given(st.integers(100, 700), st.integers(100, 700), seeds)
def test_an_unvaried_picture_is_what_the_runtime_feeds(width: int, height: int, seed: int) -> None:
    image = rng_of(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    spec = ModelSpec(Head.YOLOV8, 416, 256, "images", "output0", ("car",), ULTRALYTICS)
    batch, boxes = Preprocessor(spec)([image])
    placement = draw_placement(width, height, SIZE, Variety(as_is=1.0, flip=0.0), rng_of(0))
    corners = np.array([[0, 0, width, height]], np.float32)
    assert np.allclose(placement.move(corners), boxes[0].to_input(corners), atol=1e-3)
    # Inside of the picture: at its sides warping mixes in the padding, resizing does not.
    inside = (
        slice(boxes[0].top + 2, boxes[0].top + boxes[0].inner_height - 2),
        slice(boxes[0].left + 2, boxes[0].left + boxes[0].inner_width - 2),
    )
    ours = placement.place(image)[..., ::-1][inside].astype(np.float32)
    theirs = batch[0].transpose(1, 2, 0)[inside] * 255
    # Both are bilinear; OpenCV's warping rounds positions to 1/32 pixel, which noise shows at its worst.
    assert ours.size == 0 or np.abs(ours - theirs).mean() <= 4


def test_mirrored_boxes_keep_their_order() -> None:
    placement = draw_placement(640, 360, SIZE, Variety(flip=1.0), rng_of(3))
    box = placement.move(np.array([[10, 20, 100, 200]], np.float32))[0]
    assert placement.mirrored
    assert box[0] < box[2]
    assert box[1] < box[3]


def test_the_rest_of_a_small_picture_is_grey() -> None:
    placement = draw_placement(640, 360, SIZE, Variety(as_is=1.0), rng_of(0))
    placed = placement.place(np.zeros((360, 640, 3), np.uint8))
    assert (placed[:10] == PAD_VALUE).all()
    assert (placed[-10:] == PAD_VALUE).all()


@settings(deadline=None)
@given(seeds)
def test_light_keeps_the_order_of_levels(seed: int) -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    lit = relight(ramp, Variety(), rng_of(seed)).astype(int)
    assert (np.diff(lit[0], axis=0) >= 0).all()


def test_clipping_says_what_is_left() -> None:
    boxes = np.array([[-50, 0, 50, 100], [10, 10, 20, 20], [500, 10, 520, 20]], np.float32)
    clipped, share = clip_boxes(boxes, SIZE)
    assert clipped.tolist() == [[0, 0, 50, 100], [10, 10, 20, 20], [416, 10, 416, 20]]
    assert share.tolist() == [0.5, 1.0, 0.0]


def test_hidden_and_tiny_objects_are_ignored() -> None:
    boxes = np.array([[0, 0, 30, 30], [0, 0, 30, 30], [0, 0, 7, 30], [0, 0, 8, 30]], np.float32)
    visibility = np.array([0.24, 0.25, 1.0, 1.0], np.float32)
    assert is_ignored(boxes, visibility).tolist() == [True, False, True, False]
    assert is_ignored(boxes[:0], visibility[:0]).tolist() == []

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.vision.appearance import AppearanceSpec
from sightline.vision.crops import crop_rectangle, cut, to_input

WIDTH, HEIGHT = 40, 30
IMAGE = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
side = st.floats(-99, 99, width=32)


@given(side, side, side, side)
def test_a_rectangle_is_the_pixels_that_the_box_touches_and_never_empty_or_outside(
    x1: float, y1: float, x2: float, y2: float
) -> None:
    box = np.array((x1, y1, x2, y2), np.float32)
    left, top, right, bottom = crop_rectangle(box, WIDTH, HEIGHT)
    assert 0 <= left < right <= WIDTH
    assert 0 <= top < bottom <= HEIGHT
    columns = [x for x in range(WIDTH) if x1 < x + 1 and x < x2]
    rows = [y for y in range(HEIGHT) if y1 < y + 1 and y < y2]
    if x1 < x2 and columns:
        assert (left, right) == (columns[0], columns[-1] + 1)
    if y1 < y2 and rows:
        assert (top, bottom) == (rows[0], rows[-1] + 1)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0, 0, WIDTH, HEIGHT), (0, 0, WIDTH, HEIGHT)),
        ((3, 4, 5, 6), (3, 4, 5, 6)),
        ((3.2, 4.9, 5.1, 6.0), (3, 4, 6, 6)),
        ((WIDTH, HEIGHT, WIDTH, HEIGHT), (WIDTH - 1, HEIGHT - 1, WIDTH, HEIGHT)),
        ((-9, -9, -8, -8), (0, 0, 1, 1)),
        ((7, 7, 2, 2), (7, 7, 8, 8)),
    ],
)
def test_rectangles_at_the_edges(box: tuple[float, ...], expected: tuple[int, ...]) -> None:
    assert crop_rectangle(np.array(box, np.float32), WIDTH, HEIGHT) == expected


@given(st.integers(0, 30), st.integers(0, 20), st.integers(1, 10), st.integers(1, 10))
def test_a_crop_is_the_stretched_copy_of_its_pixels(left: int, top: int, width: int, height: int) -> None:
    box = np.array((left, top, left + width, top + height), np.float32)
    target = np.zeros((8, 12, 3), np.uint8)
    cut(IMAGE, box, target)
    copy = IMAGE[top : top + height, left : left + width].copy()
    assert np.array_equal(target, cv2.resize(copy, (12, 8), interpolation=cv2.INTER_LINEAR))


def test_the_network_sees_the_channels_in_its_order_and_scale() -> None:
    crops = np.zeros((2, 8, 12, 3), np.uint8)
    crops[1] = (10, 20, 30)
    for colour, levels in (("RGB", (30, 20, 10)), ("BGR", (10, 20, 30))):
        spec = AppearanceSpec(("a",), 1, width=12, height=8, colour=colour, scale=0.1)  # type: ignore[arg-type]
        out = np.full((2, 3, 8, 12), np.nan, np.float32)
        to_input(crops, spec, out)
        assert not out[0].any()
        assert out[1].mean(axis=(1, 2)) == pytest.approx([0.1 * level for level in levels])
        assert out[1].std(axis=(1, 2)) == pytest.approx([0, 0, 0], abs=1e-6)

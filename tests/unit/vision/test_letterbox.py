import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sightline.vision.letterbox import Letterbox, Position, fit

sides = st.integers(16, 4096)
inputs = st.integers(1, 40).map(lambda cells: cells * 32)
positions = st.sampled_from(["top-left", "centre"])
parts = st.floats(0, 1, width=32)


@given(sides, sides, inputs, inputs, positions, st.lists(st.tuples(parts, parts, parts, parts), max_size=5))
@example(4096, 16, 32, 32, "centre", [(0.0, 0.0, 1.0, 1.0)])
@example(16, 4096, 416, 416, "top-left", [(0.0, 0.0, 1.0, 1.0)])
@example(3840, 2160, 640, 640, "centre", [(0.0, 0.0, 1.0, 1.0)])
def test_boxes_come_back_from_the_input_to_where_they_were(
    width: int,
    height: int,
    input_width: int,
    input_height: int,
    position: Position,
    raw: list[tuple[float, ...]],
) -> None:
    box = fit(width, height, input_width, input_height, position)
    points = np.sort(np.array(raw, np.float32).reshape(-1, 2, 2), axis=1) * np.float32((width, height))
    boxes = points.reshape(-1, 4).astype(np.float32)
    back = box.to_source(box.to_input(boxes))
    assert back.dtype == np.float32
    assert back.shape == boxes.shape
    # float32 holds an input coordinate to a few 1e-5 pixels; the scale back multiplies that.
    scale = max(width / box.inner_width, height / box.inner_height)
    assert np.abs(back - boxes).max(initial=0) <= 2e-4 * max(scale, 1) + 4096 * 1e-6


@given(sides, sides, inputs, inputs, positions)
def test_the_picture_lies_inside_the_input_as_large_as_it_goes(
    width: int, height: int, input_width: int, input_height: int, position: Position
) -> None:
    box = fit(width, height, input_width, input_height, position)
    assert box.left >= 0
    assert box.top >= 0
    assert box.left + box.inner_width <= input_width
    assert box.top + box.inner_height <= input_height
    assert box.inner_width == input_width or box.inner_height == input_height
    whole = box.to_input(np.array([[0, 0, width, height]], np.float32))[0]
    corners = (box.left, box.top, box.left + box.inner_width, box.top + box.inner_height)
    assert whole == pytest.approx(corners, abs=1e-3)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=4, max_size=4), sides, sides, positions)
def test_boxes_from_the_input_are_clipped_to_the_picture(
    box: list[float], width: int, height: int, position: Position
) -> None:
    found = fit(width, height, 416, 416, position).to_source(np.array([box], np.float32))[0]
    assert ((found >= 0) & (found <= (width, height, width, height))).all()


def test_yolox_pads_right_and_below_and_rounds_down() -> None:
    assert fit(640, 360, 416, 416, "top-left") == Letterbox(640, 360, 416, 416, 416, 234, 0, 0)
    assert fit(641, 361, 416, 416, "top-left").inner_height == int(361 * 416 / 641) == 234


def test_ultralytics_pads_on_both_sides_and_rounds_to_the_nearest() -> None:
    assert fit(810, 1080, 640, 640, "centre") == Letterbox(810, 1080, 640, 640, 480, 640, 80, 0)
    # 375 rows of padding below 265 ones: 187 above, 188 below, as round(187.5 - 0.1) has it.
    assert fit(640, 265, 640, 640, "centre").top == 187


@given(st.integers(16, 4096), inputs)
def test_the_side_that_sets_the_scale_fills_the_input_in_spite_of_float_noise(side: int, target: int) -> None:
    assert fit(side, side, target, target, "top-left").inner_width == target


@pytest.mark.parametrize("size", [(0, 5, 32, 32), (5, -1, 32, 32), (5, 5, 0, 32), (5, 5, 32, 0)])
def test_a_size_that_is_not_positive_is_refused(size: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="not positive"):
        fit(*size, "centre")


def test_a_stretched_picture_fills_the_input_and_its_boxes_go_back() -> None:
    box = fit(200, 100, 64, 64, "stretch")
    assert (box.inner_width, box.inner_height, box.left, box.top) == (64, 64, 0, 0)
    whole = np.array([[0, 0, 64, 64], [16, 32, 32, 48]], np.float32)
    assert box.to_source(whole).tolist() == [[0, 0, 200, 100], [50, 50, 100, 75]]

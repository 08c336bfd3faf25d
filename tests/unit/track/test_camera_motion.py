"""The camera's own motion is told from the objects'."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import frame

from processors.track import camera
from processors.track.config import TrackerConfig
from processors.track.state import initial_state
from processors.track.tracker import step


def crowd(rng: np.random.Generator, count: int) -> np.ndarray:
    sides = rng.uniform(40, 60, count), rng.uniform(90, 120, count)
    return np.stack([*rng.uniform(0, 1500, (2, count)), *sides])


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), x=st.floats(-50, 50), y=st.floats(-50, 50))
def test_a_clear_shift_is_found(seed: int, x: float, y: float) -> None:
    rng = np.random.default_rng(seed)
    before = crowd(rng, 20)
    after = before[:, 3:] + np.array([[x], [y], [0], [0]]) + rng.normal(0, 0.5, (4, 17))
    shift = camera.voted_shift(before, after)
    if np.hypot(x, y) > 25:
        assert shift is not None
    if shift is not None:
        np.testing.assert_allclose(shift, (x, y), atol=4)


def test_no_shift_is_found_where_all_stand_still_or_few_are_seen() -> None:
    rng = np.random.default_rng(1)
    before = crowd(rng, 20)
    assert camera.voted_shift(before, before + rng.normal(0, 1, before.shape)) is None
    assert camera.voted_shift(before[:, :3], before[:, :3] + 20) is None


def test_the_common_part_of_innovations_is_their_median_if_it_is_sure() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 1, (2, 40))
    assert camera.common_shift(noise * 0) == (0.0, 0.0)
    assert camera.common_shift(noise[:, :3] + 50) == (0.0, 0.0)
    x, y = camera.common_shift(noise + np.array([[10.0], [0.0]]))
    assert abs(x - 10) < 1
    assert abs(y) < 1


def test_a_shaking_camera_costs_no_identity_not_even_of_a_hidden_object() -> None:
    rng = np.random.default_rng(3)
    place = np.c_[np.arange(12) * 120 + 100, rng.uniform(200, 700, 12)]
    state, seen_ids = initial_state(), set()
    for seq in range(60):
        shake = rng.normal(0, 12, 2)
        corner = place + shake + rng.normal(0, 0.5, (12, 2))
        boxes = np.c_[corner, corner + np.array([45, 110])]
        if 30 <= seq < 40:
            boxes = boxes[1:]
        state, result = step(state, frame(seq, boxes), TrackerConfig())
        assert result is not None
        seen_ids |= set(result.tracks.track_ids.tolist())
    assert seen_ids == set(range(1, 13))

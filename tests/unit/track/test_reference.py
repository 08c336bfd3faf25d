"""The numeric core against slow, obvious references in float64."""

from itertools import permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import frame

from processors.track import association, motion
from processors.track.config import TrackerConfig
from processors.track.observation import observe
from processors.track.state import BOX, COV, MOTION, ROWS, SPEED, SPEED_VAR, VAR

CONFIG = TrackerConfig()


class SlowFilter:
    """One track: for each coordinate a Kalman filter with matrices; covariances in squared sizes."""

    def __init__(self, box: np.ndarray) -> None:
        c = CONFIG
        self.states = [np.array([value, 0.0]) for value in box]
        noise, initial = (c.position_noise, c.size_noise), (c.initial_speed, c.initial_growth)
        self.covariances = [np.diag([noise[i // 2] ** 2, initial[i // 2] ** 2]) for i in range(4)]

    def predict(self, dt: float) -> None:
        move = np.array([[1.0, dt], [0.0, 1.0]])
        white = np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
        for i in range(4):
            drift = (CONFIG.position_drift, CONFIG.size_drift)[i // 2] ** 2
            self.states[i] = move @ self.states[i]
            walk = (CONFIG.position_walk, CONFIG.size_walk)[i // 2] ** 2 * dt
            self.covariances[i] = move @ self.covariances[i] @ move.T + drift * white + np.diag([walk, 0.0])

    def update(self, box: np.ndarray) -> None:
        look = np.array([[1.0, 0.0]])
        for i in range(4):
            noise = (CONFIG.position_noise, CONFIG.size_noise)[i // 2] ** 2
            p = self.covariances[i]
            gain = p @ look.T @ np.linalg.inv(look @ p @ look.T + noise)
            self.states[i] = self.states[i] + (gain @ (box[i] - look @ self.states[i])).ravel()
            self.covariances[i] = (np.eye(2) - gain @ look) @ p


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), steps=st.integers(1, 25), count=st.integers(1, 5))
def test_the_filter_equals_one_with_matrices(seed: int, steps: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    box = np.r_[rng.uniform(200, 900, (2, count)), rng.uniform(60, 300, (2, count))]
    numbers = motion.start(box, CONFIG)
    slow = [SlowFilter(box[:, k]) for k in range(count)]
    for _ in range(steps):
        dt = float(rng.uniform(0.001, 0.5))
        motion.predict(numbers, dt, CONFIG)
        box = np.maximum(box + rng.normal(0, 2, box.shape), 50)
        seen = rng.random() < 0.7
        if seen:
            motion.update(numbers, box, CONFIG)
        for k, one in enumerate(slow):
            one.predict(dt)
            if seen:
                one.update(box[:, k])
    for k, one in enumerate(slow):
        np.testing.assert_allclose(numbers[BOX, k], [s[0] for s in one.states], rtol=1e-9)
        np.testing.assert_allclose(numbers[SPEED, k], [s[1] for s in one.states], rtol=1e-7, atol=1e-7)
        for row, i, j in ((VAR, 0, 0), (COV, 0, 1), (SPEED_VAR, 1, 1)):
            expected = [one.covariances[0][i, j], one.covariances[2][i, j]]
            np.testing.assert_allclose(numbers[row, k], expected, rtol=1e-8, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(dt=st.floats(0.001, 3.0), parts=st.integers(2, 6))
def test_many_short_predictions_equal_a_long_one(dt: float, parts: int) -> None:
    whole = motion.start(np.array([[500.0], [400.0], [80.0], [200.0]]), CONFIG)
    whole[SPEED] = [[30.0], [-12.0], [3.0], [5.0]]
    pieces = whole.copy()
    motion.predict(whole, dt, CONFIG)
    for _ in range(parts):
        motion.predict(pieces, dt / parts, CONFIG)
    np.testing.assert_allclose(pieces, whole, rtol=1e-9, atol=1e-9)


def _random_tracks(rng: np.random.Generator, count: int) -> np.ndarray:
    numbers = np.zeros((ROWS, count))
    box = np.r_[rng.uniform(0, 300, (2, count)), rng.uniform(20, 120, (2, count))]
    numbers[MOTION] = motion.start(box, CONFIG)
    numbers[VAR] *= rng.uniform(1, 20, (2, count))
    return numbers


def _slow_iou(a: np.ndarray, b: np.ndarray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), tracks=st.integers(1, 8), count=st.integers(1, 8))
def test_candidates_and_their_gains_equal_a_plain_loop(seed: int, tracks: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    numbers = _random_tracks(rng, tracks)
    corner = rng.uniform(0, 300, (count, 2))
    seen = observe(frame(0, np.c_[corner, corner + rng.uniform(20, 120, (count, 2))]), CONFIG)
    pairs = association.candidates(numbers, seen, CONFIG)
    expected = {}
    for m in range(tracks):
        cx, cy, w, h = numbers[BOX, m]
        predicted = np.array([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
        for n in range(count):
            overlap = _slow_iou(predicted, seen.corners[:, n])
            if overlap <= CONFIG.min_iou:
                continue
            distance = 0.0
            for i in range(4):
                noise = (CONFIG.position_noise, CONFIG.size_noise)[i // 2] ** 2
                variance = (numbers[VAR.start + i // 2, m] + noise) * w * h
                distance += (seen.box[i, n] - numbers[i, m]) ** 2 / variance
            by_distance = CONFIG.distance_weight / (1 + distance / CONFIG.distance_scale)
            expected[m, n] = overlap - CONFIG.min_iou + by_distance
    got = {
        (m, n): gain
        for m, n, gain in zip(pairs.rows.tolist(), pairs.columns.tolist(), pairs.gains, strict=True)
    }
    assert got.keys() == expected.keys()
    for pair, gain in expected.items():
        np.testing.assert_allclose(got[pair], gain, rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_the_matching_is_the_best_of_all(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    gain = rng.normal(0.3, 1, (rows, columns))
    gain[rng.random((rows, columns)) < 0.3] = -1.0
    at_rows, at_columns = (gain > -1.0).nonzero()
    gains = np.maximum(gain[at_rows, at_columns], 0.0)
    chosen = association.matching(at_rows, at_columns, gains, gain.shape)
    got_rows, got_columns = at_rows[chosen], at_columns[chosen]
    assert (np.diff(got_rows) > 0).all()
    assert len(set(got_columns.tolist())) == len(got_columns)
    padded = np.zeros((rows + columns, rows + columns))
    padded[:rows, :columns] = np.maximum(gain, 0)
    size = len(padded)
    best = max(sum(padded[i, p[i]] for i in range(rows)) for p in permutations(range(size), rows))
    np.testing.assert_allclose(gain[got_rows, got_columns].sum(), best, atol=1e-12)
    assert (gain[got_rows, got_columns] > 0).all()


def test_a_tie_goes_to_the_same_row_wherever_the_column_stands() -> None:
    rows, columns = np.repeat(np.arange(30), 20), np.tile(np.arange(20), 30)
    for place in range(20):  # one column that three rows gain equally by; the others have a row of their own
        gains = np.where(rows == columns, 1.0, 0.1)
        gains[(columns == place) & (rows >= 20) & (rows < 23)] = 2.0
        chosen = association.matching(rows, columns, gains, (30, 20))
        assert rows[chosen][columns[chosen] == place].tolist() == [22]


def test_what_gains_nothing_is_not_matched() -> None:
    rows, columns = np.array([0, 1, 1]), np.array([0, 0, 1])
    for gains, expected in (([0.0, 0.0, 0.0], []), ([0.0, 2.0, 0.0], [1]), ([1.0, 3.0, 0.0], [1])):
        assert association.matching(rows, columns, np.array(gains), (2, 2)).tolist() == expected

"""What a score is worth is learned from the stream, and so is which boxes to put out."""

import numpy as np
import pytest
from scenes import frame

from processors.track import calibration, residuals
from processors.track.config import TrackerConfig
from processors.track.state import BOX, RESIDUAL, ROWS, SCORE_RANGES, UNSEEN_S, TrackerState, initial_state
from processors.track.tracker import StepResult, step

CONFIG = TrackerConfig()
REAL = [400.0, 300.0, 460.0, 440.0]
NOTHING_COUNTED = np.zeros((2, SCORE_RANGES))


def test_before_anything_is_counted_every_score_is_trusted() -> None:
    assert (calibration.trust(NOTHING_COUNTED, np.array([0.1, 0.6, 0.99]), CONFIG) == 1).all()


def test_scores_that_are_seldom_detected_again_are_not_trusted_and_better_ones_never_less() -> None:
    counted = NOTHING_COUNTED.copy()
    counted[0] = 200
    counted[1] = 190
    counted[1, 3] = 100  # 0.7 to 0.8
    trust = calibration.trust(counted, np.array([0.65, 0.75, 0.85]), CONFIG)
    assert trust.tolist() == sorted(trust.tolist())
    counted[1, :4] = 100
    trust = calibration.trust(counted, np.array([0.65, 0.75, 0.85]), CONFIG)
    assert trust.tolist() == [calibration.LEAST_TRUST, calibration.LEAST_TRUST, 1.0]


def stream(seed: int, score_of_false: float) -> tuple[TrackerState, list[StepResult]]:
    """One object, and false detections of a good score that come and go."""
    rng = np.random.default_rng(seed)
    state, results = initial_state(), []
    for seq in range(120):
        corner = rng.uniform(0, 1500, (4, 2))
        boxes = np.r_[[REAL], np.c_[corner, corner + np.array([60, 140])]]
        scores = [0.97] + [score_of_false] * 4
        state, result = step(state, frame(seq, boxes, scores), CONFIG)
        assert result is not None
        results.append(result)
    return state, results


def test_a_detector_that_invents_at_high_scores_is_seen_through() -> None:
    _, results = stream(0, 0.85)
    assert sum(len(result.tracks.track_ids) for result in results[:2]) > 4
    assert all(result.tracks.track_ids.tolist() == [1] for result in results[-60:])


@pytest.mark.parametrize(("noise", "speed", "expected"), [(2.0, 0.0, 0.0), (0.0, 2.0, 1.0)])
def test_noise_is_smoothed_and_lag_is_not(noise: float, speed: float, expected: float) -> None:
    rng = np.random.default_rng(1)
    part = np.zeros((ROWS, 1))
    part[BOX, 0] = 300, 300, 50, 100
    part[UNSEEN_S] = 0.1
    sums = np.zeros((2, 2))
    for _ in range(
        300
    ):  # the corrected box stays a constant distance behind, or the detections jitter about it
        measured = part[BOX] + speed + rng.normal(0, noise, (4, 1)) if noise else part[BOX] + speed
        sums = residuals.note(part, measured, sums, 0.1)
    np.testing.assert_allclose(residuals.shares(sums), expected, atol=0.2)
    np.testing.assert_allclose(part[RESIDUAL], measured - part[BOX])


def test_residuals_of_nothing_are_not_correlated() -> None:
    part = np.zeros((ROWS, 2))
    part[BOX] = np.array([[300.0], [300.0], [50.0], [100.0]])
    part[UNSEEN_S] = 0.1
    sums = np.zeros((2, 2))
    for _ in range(3):
        sums = residuals.note(part, part[BOX].copy(), sums, 0.1)
    assert sums[0].tolist() == [0.0, 0.0]
    assert (sums[1] > 5).all()
    assert (residuals.shares(sums) == 0).all()

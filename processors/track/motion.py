"""Where a box will be: a Kalman filter with constant speed, for all tracks at once.

The model is the usual one for box tracking (position and size with their rates, white noise on the rates;
Bar-Shalom, Li, Kirubarajan, "Estimation with Applications to Tracking and Navigation", 2001, chapter 6).
The four coordinates are independent and noise is a share of the object's size, so x and y have the same
covariance at all times, and so have width and height: two 2x2 covariances instead of one 8x8.
"""

import numpy as np

from processors.track.config import TrackerConfig
from processors.track.state import BOX, COV, MOTION, SPEED, SPEED_VAR, VAR, Floats

MIN_SIDE_PX = 1.0


def sizes_px(box: Floats) -> Floats:
    """(M,) size of boxes given as (4, M) centre, width, height: the side of a square of the same area."""
    size: Floats = np.sqrt(np.maximum(box[2] * box[3], MIN_SIDE_PX))
    return size


def predict(numbers: Floats, dt_s: float, config: TrackerConfig) -> None:
    """Move the tracks `numbers` (ROWS, M) on by `dt_s` seconds, in place."""
    drift = np.array([[config.position_drift**2], [config.size_drift**2]]) * sizes_px(numbers[BOX]) ** 2
    var, cov, speed_var = numbers[VAR], numbers[COV], numbers[SPEED_VAR]
    numbers[BOX] += numbers[SPEED] * dt_s
    numbers[2:4] = np.maximum(numbers[2:4], MIN_SIDE_PX)
    var += dt_s * (2 * cov + dt_s * speed_var) + drift * (dt_s**3 / 3)
    cov += dt_s * speed_var + drift * (dt_s**2 / 2)
    speed_var += drift * dt_s


def measurement_noise(size: Floats, config: TrackerConfig) -> Floats:
    """(2, M) variances of a measured position and size, px², of objects of `size` (M,) pixels."""
    noise: Floats = np.array([[config.position_noise**2], [config.size_noise**2]]) * size**2
    return noise


def update(motion: Floats, measured: Floats, noise: Floats) -> Floats:
    """The filter's estimate after measurements, one for each track.

    Args:
        motion: (14, M) the MOTION rows of the tracks.
        measured: (4, M) centre x, y, width, height.
        noise: (2, M) their variances.

    Returns:
        (14, M) new MOTION rows.
    """
    after = np.empty_like(motion)
    total = motion[VAR] + noise
    gain, speed_gain = motion[VAR] / total, motion[COV] / total
    innovation = measured - motion[BOX]
    after[BOX] = motion[BOX] + gain.repeat(2, 0) * innovation
    after[SPEED] = motion[SPEED] + speed_gain.repeat(2, 0) * innovation
    after[VAR] = gain * noise
    after[COV] = speed_gain * noise
    after[SPEED_VAR] = motion[SPEED_VAR] - speed_gain * motion[COV]
    return after


def start(measured: Floats, config: TrackerConfig) -> Floats:
    """(14, N) MOTION rows of new tracks at measured boxes (4, N): standing still, but unsure of it."""
    motion = np.zeros((MOTION.stop, measured.shape[1]))
    size = sizes_px(measured)
    motion[BOX] = measured
    motion[VAR] = measurement_noise(size, config)
    motion[SPEED_VAR] = np.array([[config.initial_speed**2], [config.initial_growth**2]]) * size**2
    return motion

"""Where a box will be: a Kalman filter with constant speed, for all tracks at once.

The model is the usual one for box tracking (centre and sides with their rates, white noise on the rates;
Bar-Shalom, Li, Kirubarajan, "Estimation with Applications to Tracking and Navigation", 2001, chapter 6), with
the time that really passed. The four coordinates are independent and noise is a share of the object's size.
So in units of that size x and y have the same covariance at all times, and so have width and height: two 2x2
covariances a track instead of one 8x8, and only elementwise arithmetic, which gives the same bits on every
processor.
"""

from typing import Final

import numpy as np

from processors.track.config import TrackerConfig
from processors.track.state import BOX, COV, MOTION, SIDES, SPEED, SPEED_VAR, VAR, Floats

MIN_SIDE_PX: Final = 1.0
UPPER: Final = slice(VAR.start, COV.stop)
LOWER: Final = slice(COV.start, SPEED_VAR.stop)
COVARIANCE: Final = slice(VAR.start, SPEED_VAR.stop)


def predict(numbers: Floats, dt_s: float, config: TrackerConfig) -> None:
    """Move the tracks `numbers` (ROWS or MOTION rows, M) on by `dt_s` seconds, in place."""
    numbers[BOX] += numbers[SPEED] * dt_s
    sides = numbers[SIDES]
    np.maximum(sides, MIN_SIDE_PX, out=sides)
    # With the parts of a 2x2 covariance above one another, dt times the lower is added to the upper one:
    numbers[UPPER] += numbers[LOWER] * dt_s
    var = numbers[VAR]
    var += numbers[COV] * dt_s
    numbers[COVARIANCE] += config.drift_after(dt_s)


def update(part: Floats, measured: Floats, config: TrackerConfig) -> None:
    """Correct the tracks `part` (ROWS or MOTION rows, K) by a measurement of each, in place.

    Args:
        part: The tracks as predicted.
        measured: (4, K) centre x, y, width, height.
        config: For the noise of a measurement.
    """
    count = part.shape[1]
    var, cov = part[VAR], part[COV]
    total = var + config.noise
    gain, speed_gain = var / total, cov / total
    innovation = (measured - part[BOX]).reshape(2, 2, count)
    part[BOX] += (innovation * gain[:, None]).reshape(4, count)
    innovation *= speed_gain[:, None]
    part[SPEED] += innovation.reshape(4, count)
    part[SPEED_VAR] -= speed_gain * cov
    np.multiply(gain, config.noise, out=var)
    np.multiply(speed_gain, config.noise, out=cov)
    sides = part[SIDES]
    np.maximum(sides, MIN_SIDE_PX, out=sides)


def start(measured: Floats, config: TrackerConfig) -> Floats:
    """(14, N) MOTION rows of new tracks at measured boxes (4, N): standing still, but unsure of it."""
    motion = np.zeros((MOTION.stop, measured.shape[1]))
    motion[BOX] = measured
    motion[VAR] = config.noise
    motion[SPEED_VAR] = config.initial
    return motion


def corners_of(box: Floats) -> Floats:
    """(4, M) x1, y1, x2, y2 of boxes given as (4, M) centre x, centre y, width, height."""
    corners = np.empty((4, box.shape[1]))
    half = box[2:4] * 0.5
    np.subtract(box[0:2], half, out=corners[0:2])
    np.add(box[0:2], half, out=corners[2:4])
    return corners

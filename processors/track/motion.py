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
from processors.track.scalars import HALF, ONE
from processors.track.state import BOX, CENTRE, COV, MOTION, PLACE, SIDES, SPEED, SPEED_VAR, VAR, Floats

MIN_SIDE_PX: Final = ONE
UPPER: Final = slice(VAR.start, COV.stop)
CHANGE: Final = slice(SPEED.start, SPEED_VAR.stop)  # all rows that something else changes by, in one piece
SPEED_IN_CHANGE: Final = slice(0, SPEED.stop - SPEED.start)
LOWER_IN_CHANGE: Final = slice(COV.start - SPEED.start, None)
COVARIANCE: Final = slice(VAR.start, SPEED_VAR.stop)


def predict(numbers: Floats, dt_s: float, config: TrackerConfig) -> None:
    """Move the tracks `numbers` (ROWS or MOTION rows, M) on by `dt_s` seconds, in place."""
    box, upper, var, dt = numbers[BOX], numbers[UPPER], numbers[VAR], np.array(dt_s)
    change = numbers[CHANGE] * dt
    box += change[SPEED_IN_CHANGE]
    sides = numbers[SIDES]
    np.maximum(sides, MIN_SIDE_PX, out=sides)
    # With the parts of a 2x2 covariance above one another, dt times the lower is added to the upper one:
    upper += change[LOWER_IN_CHANGE]
    var += numbers[COV] * dt
    covariance = numbers[COVARIANCE]
    covariance += config.drift_after(dt_s)


def update(part: Floats, measured: Floats, config: TrackerConfig) -> None:
    """Correct the tracks `part` (ROWS or MOTION rows, K) by a measurement of each, in place.

    Args:
        part: The tracks as predicted.
        measured: (4, K) centre x, y, width, height.
        config: For the noise of a measurement.
    """
    count = part.shape[1]
    place, upper, speed_var = part[PLACE], part[UPPER], part[SPEED_VAR]
    # Gains of the values and of their changes, for a centre coordinate and for a side: (2, 2, K)
    gains = upper.reshape(2, 2, count) / (part[VAR] + config.noise)
    innovation = (measured - part[BOX]).reshape(2, 2, count)
    place += (gains[:, :, None] * innovation).reshape(8, count)
    speed_var -= gains[1] * part[COV]
    np.multiply(gains, config.noise, out=upper.reshape(2, 2, count))
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
    corners = np.empty(box.shape)
    centre, half = box[CENTRE], box[SIDES] * HALF
    np.subtract(centre, half, out=corners[:2])
    np.add(centre, half, out=corners[2:])
    return corners

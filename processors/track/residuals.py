"""Where the filter lags behind, its boxes are put out nearer to the detections.

What a detection differs from the corrected box by is the detector's noise, and then nothing follows from it
for the next frame; or it is motion that the filter has not followed, and then the next frame's residual is
much the same. A filter that smoothes well follows objects best, but its box is the best estimate only in the
first case. So the stream's mean correlation of successive residuals says how much of the residual is put
out: where it is 0 the filter's box, where it is one half or more the detector's. (Whiteness of a filter's
residuals as a test of its noise model: Mehra, IEEE Transactions on Automatic Control, 1970.)
"""

from typing import Final

import numpy as np

from processors.track.state import BOX, RESIDUAL, UNSEEN_S, Floats

MEMORY: Final = 500.0  # about so many residuals are remembered
PRIOR_COUNT: Final = 30.0  # this many of a correlation of 0 are assumed
FULL_CORRELATION: Final = 0.5  # from this correlation on boxes are put out as they were detected


def note(part: Floats, measured: Floats, correlations: Floats, dt_s: float) -> Floats:
    """Keep the residuals of the tracks `part` (ROWS, K), just corrected, in place.

    Args:
        part: The tracks; UNSEEN_S is still that of before this frame.
        measured: (4, K) the detections' centres and sides.
        correlations: (2, 2) sums of the correlations of centres and of sides; how many went into each.
        dt_s: Seconds since the frame before.

    Returns:
        The sums with those of this frame.
    """
    residual = measured - part[BOX]
    fresh = (part[UNSEEN_S] <= dt_s).nonzero()[0]
    if fresh.size and dt_s > 0:
        now = residual.take(fresh, axis=1).reshape(2, 2, -1)
        last = part[RESIDUAL].take(fresh, axis=1).reshape(2, 2, -1)
        size = (now * now + last * last).sum(axis=1)
        size[size == 0] = np.inf
        correlation = (now * last).sum(axis=1) * 2 / size
        correlations = correlations * (1.0 - min(1.0, fresh.size / MEMORY))
        correlations[0] += np.sort(correlation, axis=1).sum(axis=1)  # the sum must not depend on the order
        correlations[1] += fresh.size
    part[RESIDUAL] = residual
    return correlations


def shares(correlations: Floats) -> Floats:
    """(4, 1) how much of the residuals of centre x, y, width and height is put out."""
    mean = correlations[0] / (correlations[1] + PRIOR_COUNT)
    share = np.minimum(np.maximum(mean / FULL_CORRELATION, 0.0), 1.0)
    return np.repeat(share, 2)[:, None]

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

from processors.track.scalars import scalar
from processors.track.state import BOX, RESIDUAL, UNSEEN_S, Floats

MEMORY: Final = 500.0  # about so many residuals are remembered
PRIOR_COUNT: Final = 30.0  # this many of a correlation of 0 are assumed
FULL_CORRELATION: Final = 0.5  # from this correlation on boxes are put out as they were detected
TWO: Final = scalar(2.0)
SMALLEST: Final = scalar(5e-324)  # that there is above 0


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
        now, last = residual, part[RESIDUAL]
        if fresh.size < part.shape[1]:
            now, last = now.take(fresh, axis=1), last.take(fresh, axis=1)
        size = now * now
        size += last * last
        product = now * last
        correlation = product[0::2] + product[1::2]
        correlation *= TWO
        correlation /= np.maximum(size[0::2] + size[1::2], SMALLEST)  # where both are 0 it is 0
        correlation.sort(axis=1)  # the sum must not depend on the order
        correlations = correlations * (1.0 - min(1.0, fresh.size / MEMORY))
        correlations[0] += np.add.reduce(correlation, axis=1)
        correlations[1] += fresh.size
    part[RESIDUAL] = residual
    return correlations


def shares(correlations: Floats) -> Floats:
    """(4, 1) how much of the residuals of centre x, y, width and height is put out."""
    sums, counts = correlations.tolist()
    centre, side = [
        min(1.0, max(0.0, total / (count + PRIOR_COUNT) / FULL_CORRELATION))
        for total, count in zip(sums, counts, strict=True)
    ]
    return np.array([[centre], [centre], [side], [side]])

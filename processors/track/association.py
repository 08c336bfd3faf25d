"""Which detection belongs to which track: gated costs, and the assignment of least total cost."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from processors.track.state import BOX, VAR, Floats, Indices


def squared_distances(numbers: Floats, measured: Floats, noise: Floats) -> Floats:
    """(M, N) squared Mahalanobis distance of each measured box (4, N) from each track (ROWS, M).

    Four degrees of freedom; `noise` (2, M) is the variance of a measured position and size per track.
    """
    difference = measured[:, None, :] - numbers[BOX][:, :, None]
    difference *= difference
    total = numbers[VAR] + noise
    distance: Floats = (difference[0] + difference[1]) / total[0][:, None]
    distance += (difference[2] + difference[3]) / total[1][:, None]
    return distance


def assign(cost: Floats) -> tuple[Indices, Indices]:
    """Rows and columns of the matching of least total cost; a pair of cost 0 or more is not matched."""
    rows, columns = linear_sum_assignment(np.minimum(cost, 0.0))
    good = cost[rows, columns] < 0
    return rows[good], columns[good]

"""How long a track that is not seen is still put out.

How soon lost objects are found again differs from scene to scene: where people pass behind each other most
gaps are short, where false detections come and go most never end. So the tracker counts it, per stream and
kind of track: how many gaps ended with the object where it was expected, by their length, and how many did
not. From that follows how probably a track that has been unseen for so long will be seen again, and it is put
out only while that is likely.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.float64]

GAP_EDGES_S: Final = (0.05, 0.12, 0.25, 0.5, 1.0)  # a longer gap counts as one that never ended
NEVER: Final = len(GAP_EDGES_S)
YOUNG_INSIDE: Final = 2
TRACK_KINDS: Final = 4  # young and mature at the edge of the picture, young and mature inside
MEMORY: Final = 150.0  # about so many gaps are remembered
PRIOR_GAPS: Final = 3.0
PRIOR_ENDS: Final = np.array([0.2, 0.14, 0.1, 0.06, 0.04])  # shares of gaps by length; the rest never ends
PRIOR_KINDS: Final = np.array([[0.5], [0.5], [1.0], [1.4]])


def _prior() -> Counts:
    prior = np.empty((TRACK_KINDS, NEVER + 1))
    prior[:, :NEVER] = PRIOR_GAPS * PRIOR_KINDS * PRIOR_ENDS
    prior[:, NEVER] = PRIOR_GAPS - prior[:, :NEVER].sum(axis=1)
    return prior


PRIOR: Final = _prior().tolist()


def patience_s(gaps: Counts, least: float) -> Counts:
    """For how long tracks of each kind are found again at least with probability `least`.

    Args:
        gaps: (TRACK_KINDS, NEVER + 1) how many gaps of each kind ended, by length, and how many never did.
        least: The probability.

    Returns:
        (TRACK_KINDS,) seconds.
    """
    edges = (0.0, *GAP_EDGES_S)
    limits = []
    for counted, assumed in zip(gaps.tolist(), PRIOR, strict=True):  # 24 numbers: NumPy would take longer
        waits, ends, never = NEVER, 0.0, counted[NEVER] + assumed[NEVER]
        for place in range(NEVER - 1, -1, -1):
            ends += counted[place] + assumed[place]
            if ends < least * (ends + never):
                waits = place
        limits.append(edges[waits])
    return np.array(limits)

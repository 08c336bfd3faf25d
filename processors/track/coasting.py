"""Counts how the gaps of tracks end, and says which unseen tracks are put out; see `gaps`."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import numpy as np

from processors.track.gaps import GAP_EDGES_S, MEMORY, NEVER
from processors.track.scalars import ONE
from processors.track.state import (
    CENTRE,
    CONFIRMED,
    GAP,
    GAP_KIND,
    HITS,
    SHOWN_S,
    SIDES,
    UNSEEN_S,
    Floats,
    Indices,
)
from processors.track.work import Matches

MATURE_HITS: Final = 8.0
EDGE_MARGIN: Final = 0.05  # a box nearer to the picture's edge than this share of its sides may be leaving
FOUND_IOU: Final = 0.5  # found where it was expected


def count_ends(matches: Matches, gaps: Floats, dt_s: float) -> Floats:
    """The counts with the gaps that end with this frame's matches; the same array if there are none.

    Args:
        matches: The matched tracks as they were before they took their detections.
        gaps: The counts before.
        dt_s: Seconds since the frame before.
    """
    waited_s = matches.part[UNSEEN_S]
    back = (waited_s != dt_s).nonzero()[0]  # a track that was seen in the frame before has waited dt_s
    if not back.size:
        return gaps
    lengths_s, kinds = matches.part[GAP].take(back, axis=1).tolist()
    gap = zip(kinds, lengths_s, matches.overlaps.take(back).tolist(), strict=True)
    return _with_events(
        gaps,
        [
            (int(kind), bisect_left(GAP_EDGES_S, length_s) if overlap >= FOUND_IOU else NEVER)
            for kind, length_s, overlap in gap  # a few of them: NumPy would take longer
        ],
    )


def count_losses(numbers: Floats, living: Indices, gaps: Floats) -> Floats:
    """The counts with the gaps of the confirmed tracks that are not among the `living` any more."""
    ended = numbers[CONFIRMED] >= 1.0
    ended[living] = False
    kinds = numbers[GAP_KIND][ended].tolist()
    return _with_events(gaps, [(int(kind), NEVER) for kind in kinds]) if kinds else gaps


def _with_events(gaps: Floats, events: Sequence[tuple[int, int]]) -> Floats:
    after: Floats = gaps * (1.0 - min(1.0, len(events) / MEMORY))
    for event in events:
        after[event] += 1.0
    return after


def prepare(part: Floats, patience_s: Floats, width_px: int, height_px: int) -> None:
    """Note on the tracks `part` (ROWS, K), just seen, how long they are put out if they are not, in place.

    Args:
        part: The tracks.
        patience_s: See `gaps.patience_s`.
        width_px: Width of the picture.
        height_px: Its height.
    """
    reach = part[SIDES] * (0.5 + EDGE_MARGIN)
    centre = part[CENTRE]
    near = centre - reach
    reach += centre
    inside = np.minimum(near[0], near[1]) > 0
    inside &= reach[0] < width_px
    inside &= reach[1] < height_px
    kinds = inside + inside.astype(np.intp)
    kinds += part[HITS] >= MATURE_HITS
    part[GAP_KIND] = kinds
    part[SHOWN_S] = patience_s.take(kinds)


def shown(numbers: Floats) -> Indices:
    """Which tracks to put out: the confirmed ones that are seen, or are likely to be seen again."""
    show = numbers[UNSEEN_S] <= numbers[SHOWN_S]
    show &= numbers[CONFIRMED] >= ONE
    places: Indices = show.nonzero()[0]
    return places

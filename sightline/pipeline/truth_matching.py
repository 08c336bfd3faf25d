"""Which track is on which object, frame by frame, and what of both is scored.

As MOTChallenge does it (Dendorfer et al., IJCV 2021): in each frame true boxes and tracks are matched one to
one by the best sum of overlaps, each of at least a half. A track that is matched to an object to be ignored
is taken out, and so is that object: it is neither missed if nothing is on it, nor false if something is.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from sightline.pipeline.truth_tables import Boxes, Floats, Integers, SceneTables
from sightline.scoring.scorer import Scene

LEAST_OVERLAP: Final = 0.5
LEAST_VISIBILITY: Final = 0.25
"""An object that shows less of itself on a frame is ignored there."""


def matched(scene: SceneTables) -> Integers:
    """(K, 2) the pairs: row of a true box, also of one to be ignored, and row of the track on it."""
    found = []
    for true_rows, track_rows in _by_frame(scene):
        overlap = overlaps(scene.truth.corners[true_rows], scene.tracks.corners[track_rows])
        overlap[overlap < LEAST_OVERLAP - np.finfo(float).eps] = 0.0
        first, second = linear_sum_assignment(overlap, maximize=True)
        some = overlap[first, second] > 0
        found.append(np.column_stack([true_rows[first[some]], track_rows[second[some]]]))
    return np.concatenate(found) if found else np.zeros((0, 2), np.int64)


def to_score(scene: SceneTables, pairs: Integers) -> Scene:
    """What the scorer gets: truth and tracks without what is to be ignored."""
    counted = scene.visibility >= LEAST_VISIBILITY
    kept = np.ones(len(scene.tracks.ids), np.bool_)
    kept[pairs[~counted[pairs[:, 0]], 1]] = False
    return Scene(scene.frames, _rows(scene.truth, counted), _rows(scene.tracks, kept))


def overlaps(first: Floats, second: Floats) -> Floats:
    """(M, N) intersection over union of boxes (M, 4) and (N, 4); 0 where neither has an area."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared: Floats = np.clip(high - low, 0.0, None).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1] - shared
    ratio = np.zeros_like(shared)
    np.divide(shared, union, out=ratio, where=union > 0)
    return ratio


def _by_frame(scene: SceneTables) -> Iterator[tuple[Integers, Integers]]:
    """Rows of both sides for each frame that has some on both; rows are sorted by frame."""
    frames = np.arange(scene.frames + 1)
    true_ends = np.searchsorted(scene.truth.frames, frames).tolist()
    track_ends = np.searchsorted(scene.tracks.frames, frames).tolist()
    for frame in range(scene.frames):
        true_rows = np.arange(true_ends[frame], true_ends[frame + 1])
        track_rows = np.arange(track_ends[frame], track_ends[frame + 1])
        if len(true_rows) and len(track_rows):
            yield true_rows, track_rows


def _rows(boxes: Boxes, kept: npt.NDArray[np.bool_]) -> list[list[float]]:
    rows: list[list[float]] = np.column_stack([boxes.frames, boxes.ids, boxes.corners])[kept].tolist()
    return rows

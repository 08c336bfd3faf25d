"""Score tracks against a ground truth with TrackEval; a script for the environment of `scorer.lock`.

It imports nothing of Sightline. It reads JSON from standard input, `{name: {"frames": F, "truth": rows,
"tracks": rows}}`, one entry for each sequence, with rows `[frame, id, x1, y1, x2, y2]` and frames from 0 to
F - 1. It prints JSON: `{"combined": scores, "sequences": {name: scores}}` with HOTA, DetA, AssA, MOTA and
IDF1 in percent, and the counts IDSW, FP and FN. Combined is TrackEval's own way to combine sequences: counts
are added up before they are divided, so that each box has the same weight.
"""

import contextlib
import io
import json
import sys
from typing import Any

import numpy as np


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(M, N) intersection over union of corner boxes (M, 4) and (N, 4)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared: np.ndarray = np.clip(high - low, 0, None).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1] - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1), 0)


def sequence(frames: int, truth: np.ndarray, tracks: np.ndarray) -> dict[str, Any]:
    """What TrackEval's metrics take: per frame the ids, from 0 without holes, and how alike the boxes are."""
    true_ids, true_places = np.unique(truth[:, 1], return_inverse=True)
    ids, places = np.unique(tracks[:, 1], return_inverse=True)
    in_truth, in_tracks = (rows_of_frames(side[:, 0], frames) for side in (truth, tracks))
    return {
        "num_timesteps": frames,
        "num_gt_ids": len(true_ids),
        "num_tracker_ids": len(ids),
        "num_gt_dets": len(truth),
        "num_tracker_dets": len(tracks),
        "gt_ids": [true_places[rows] for rows in in_truth],
        "tracker_ids": [places[rows] for rows in in_tracks],
        "similarity_scores": [
            overlaps(truth[a, 2:], tracks[b, 2:]) for a, b in zip(in_truth, in_tracks, strict=True)
        ],
    }


def rows_of_frames(numbers: np.ndarray, frames: int) -> list[np.ndarray]:
    """For each frame the places at which its number stands, in their order."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.searchsorted(numbers[order], np.arange(1, frames)))


def summary(results: dict[str, dict[str, Any]]) -> dict[str, float]:
    """The scores that are reported, of the three metrics' results."""
    hota, clear, identity = results["HOTA"], results["CLEAR"], results["Identity"]
    return {
        **{name: 100 * float(np.mean(hota[name])) for name in ("HOTA", "DetA", "AssA")},
        "MOTA": 100 * float(clear["MOTA"]),
        "IDF1": 100 * float(identity["IDF1"]),
        "IDSW": int(clear["IDSW"]),
        "FP": int(clear["CLR_FP"]),
        "FN": int(clear["CLR_FN"]),
    }


def scored(given: dict[str, Any]) -> dict[str, Any]:
    """The scores of all sequences, and of all of them together."""
    # TrackEval prints while it is imported: which of its data sets lack a library. None is used here.
    from trackeval.metrics import CLEAR, HOTA, Identity

    metrics = {
        "HOTA": HOTA(),
        "CLEAR": CLEAR({"PRINT_CONFIG": False}),
        "Identity": Identity({"PRINT_CONFIG": False}),
    }
    found: dict[str, dict[str, Any]] = {name: {} for name in metrics}
    for name, each in given.items():
        truth, tracks = (np.array(each[side], float).reshape(-1, 6) for side in ("truth", "tracks"))
        data = sequence(int(each["frames"]), truth, tracks)
        for title, metric in metrics.items():
            found[title][name] = metric.eval_sequence(data)
    combined = {title: metric.combine_sequences(found[title]) for title, metric in metrics.items()}
    single = {name: summary({title: found[title][name] for title in metrics}) for name in given}
    return {"combined": summary(combined), "sequences": single}


def main() -> None:
    """Score what comes on standard input."""
    given = json.load(sys.stdin)
    with contextlib.redirect_stdout(io.StringIO()):
        answer = scored(given)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()

"""Score tracks against a ground truth with TrackEval; run in the environment of `requirements-parity.lock`.

Reads JSON from standard input, `{"truth": [[frame, id, x1, y1, x2, y2], …], "tracks": the same}`, and prints
JSON: HOTA, MOTA and IDF1 in percent, and IDSW.
"""

import contextlib
import io
import json
import sys

import numpy as np


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(M, N) intersection over union of corner boxes (M, 4) and (N, 4)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (first, second)]
    return shared / (areas[0][:, None] + areas[1] - shared)


def sequence(truth: np.ndarray, tracks: np.ndarray) -> dict[str, object]:
    """What TrackEval's metrics take: per frame the ids, from 0 without holes, and how alike the boxes are."""
    true_ids, true_places = np.unique(truth[:, 1], return_inverse=True)
    ids, places = np.unique(tracks[:, 1], return_inverse=True)
    frames = range(1, int(truth[:, 0].max()) + 1)
    in_truth, in_tracks = ([side[:, 0] == frame for frame in frames] for side in (truth, tracks))
    return {
        "num_timesteps": len(frames),
        "num_gt_ids": len(true_ids),
        "num_tracker_ids": len(ids),
        "num_gt_dets": len(truth),
        "num_tracker_dets": len(tracks),
        "gt_ids": [true_places[mask] for mask in in_truth],
        "tracker_ids": [places[mask] for mask in in_tracks],
        "similarity_scores": [
            overlaps(truth[a, 2:], tracks[b, 2:]) for a, b in zip(in_truth, in_tracks, strict=True)
        ],
    }


def main() -> None:
    """Score what comes on standard input."""
    given = json.load(sys.stdin)
    truth, tracks = (np.array(given[name], float).reshape(-1, 6) for name in ("truth", "tracks"))
    with contextlib.redirect_stdout(io.StringIO()):
        # TrackEval prints while it is imported: which of its data sets lack a library. None is used here.
        from trackeval.metrics import CLEAR, HOTA, Identity

        data = sequence(truth, tracks)
        hota = HOTA().eval_sequence(data)
        clear = CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
        identity = Identity({"PRINT_CONFIG": False}).eval_sequence(data)
    scores = {
        "HOTA": 100 * float(np.mean(hota["HOTA"])),
        "MOTA": 100 * float(clear["MOTA"]),
        "IDF1": 100 * float(identity["IDF1"]),
        "IDSW": int(clear["IDSW"]),
    }
    json.dump(scores, sys.stdout)


if __name__ == "__main__":
    main()

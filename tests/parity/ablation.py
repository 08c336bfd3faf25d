"""What the tracker's parts are worth: the table in docs/tracking.md.

`.venv-peers/bin/python -m tests.parity.ablation COMPARISON_SCRIPT DATA_FOLDER` prints it. The script is
one of those of `sightline bench tracker`: it has the sequences (real detections, or ones drawn from the
ground truth by a noise model) and the scores. Each variant changes
one function of the tracker while it runs. In the second set of sequences every object's detections are
taken away now and then, for 0.3 to 1.2 s.
"""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from processors.track import association, calibration, coasting, matching, residuals
from processors.track.config import TrackerConfig
from processors.track.state import CONFIRMED, UNSEEN_S
from tests.parity import sightline_mot

Sequences = list[tuple[str, np.ndarray, list[np.ndarray], float]]
METRICS = ("HOTA", "MOTA", "IDF1", "IDSW")


def at_once(matcher: Any, pairs: Any, claim: np.ndarray) -> np.ndarray:
    """One matching of all detections and all tracks."""
    useful = matcher.seen.scores.take(pairs.columns) >= matcher.config.least_score
    return association.matching(pairs.rows, pairs.columns, claim * useful, pairs.shape)


@contextmanager
def still_camera() -> Iterator[None]:
    """No part of a frame's displacements is taken for the camera's."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(matching, "SHIFT_ROUNDS", 0))
        stack.enter_context(patch.object(matching._Matcher, "vote", lambda _: False))
        yield


def seen_only(numbers: np.ndarray) -> np.ndarray:
    """Which tracks are put out, if no prediction is."""
    return ((numbers[UNSEEN_S] == 0) & (numbers[CONFIRMED] >= 1)).nonzero()[0]


def all_trusted(counts: np.ndarray, scores: np.ndarray, config: TrackerConfig) -> np.ndarray:
    """Every score is worth what it says."""
    return np.ones(len(scores))


def shares_of(share: float) -> Callable[[np.ndarray], np.ndarray]:
    """The same share of each residual is put out."""
    return lambda _: np.full((4, 1), share)


AS_IT_IS = TrackerConfig()
VARIANTS: dict[str, tuple[Callable[[], Any], TrackerConfig]] = {
    "as it is": (nullcontext, AS_IT_IS),
    "one matching instead of three rounds": (
        lambda: patch.object(matching._Matcher, "_in_rounds", at_once),
        AS_IT_IS,
    ),
    "scores taken as they are": (lambda: patch.object(calibration, "trust", all_trusted), AS_IT_IS),
    "new tracks from a score of 0.35 up": (nullcontext, TrackerConfig(birth_score=0.35)),
    "doubles start tracks": (nullcontext, TrackerConfig(double_iou=1.0)),
    "always the filter's boxes": (lambda: patch.object(residuals, "shares", shares_of(0.0)), AS_IT_IS),
    "always the detector's boxes": (lambda: patch.object(residuals, "shares", shares_of(1.0)), AS_IT_IS),
    "overlap without the Mahalanobis distance": (nullcontext, TrackerConfig(distance_weight=1e-9)),
    "no motion of the camera": (still_camera, AS_IT_IS),
    "predictions not put out": (lambda: patch.object(coasting, "shown", seen_only), AS_IT_IS),
}


def with_gaps(sequences: Sequences) -> Sequences:
    """Sequences whose detections say whose they are, with each object missed for up to 1.2 s now and then."""
    out = []
    for name, truth, detections, fps in sequences:
        rng, until, kept = np.random.default_rng(3), dict[int, int](), []
        for frame, found in enumerate(detections):
            keep = np.ones(len(found), bool)
            for k, who in enumerate(found[:, 5].astype(int).tolist()):
                if who >= 0 and who not in until and rng.random() < 0.015:
                    until[who] = frame + int(rng.uniform(0.3, 1.2) * fps)
                if who in until:
                    keep[k] = frame >= until[who]
                    if keep[k] and rng.random() < 0.05:
                        del until[who]
            kept.append(found[keep])
        out.append((name, truth, kept, fps))
    return out


def measure(
    comparison: ModuleType, sequences: Sequences, config: TrackerConfig, looks: bool = False
) -> np.ndarray:
    """(4,) METRICS over the sequences, weighted by boxes."""
    scores, weights = [], []
    for _, truth, found, fps in sequences:
        dets = [np.c_[each[:, :5], -np.ones(len(each))] for each in found]
        shown = comparison.appearance(found, 11) if looks else None
        rows, _ = sightline_mot.run(dets, shown, fps, config)
        scored = comparison.score(truth, rows)
        scores.append([scored[name] for name in METRICS])
        weights.append(len(truth))
    return np.average(scores, axis=0, weights=weights)


def measure_real(comparison: ModuleType, folder: str, config: TrackerConfig) -> np.ndarray:
    """(4,) METRICS over real detections: means over the groups, each weighted by boxes; IDSW added up."""
    groups: dict[str, list[tuple[int, dict[str, float]]]] = {}
    for sequence in sorted(path.parent for path in Path(folder).glob("*/gt.txt")):
        truth, ignored, regions = comparison.truth(sequence / "gt.txt")
        for file in sorted(sequence.glob("det-*.txt")):
            found = comparison.detections(file, int(truth[:, 0].max()))
            rows, _ = sightline_mot.run(found, None, comparison.rate(sequence), config)
            scored = comparison.score(truth, comparison.judged(rows, truth, ignored, regions))
            group = comparison.group(sequence.name, file.stem[4:])
            groups.setdefault(group, []).append((len(truth), scored))
    means = [
        [np.average([each[name] for _, each in one], weights=[boxes for boxes, _ in one]) for name in METRICS]
        for one in groups.values()
    ]
    switches = sum(each["IDSW"] for one in groups.values() for _, each in one)
    return np.array([*np.mean(means, axis=0)[:3], switches])


def main(script: str, data: str) -> None:
    """Print the table."""
    sys.path.insert(0, str(Path(script).parent))
    comparison = importlib.import_module(Path(script).stem)
    if hasattr(comparison, "judged"):
        print("| | HOTA | MOTA | IDF1 | switches |\n" + "|" + "---|" * 5)  # noqa: T201
        for name, (variant, config) in VARIANTS.items():
            with variant():
                print_row(name, [measure_real(comparison, data, config)])
        return
    four = list(comparison.sequences(data))
    drawn = [each for each in four if each[0].startswith("MOT17")]
    sets = (four, with_gaps(drawn))
    print("| | HOTA | MOTA | IDF1 | switches | gaps: HOTA | MOTA | IDF1 | switches |")  # noqa: T201
    print("|" + "---|" * 9)  # noqa: T201
    for name, (variant, config) in VARIANTS.items():
        with variant():
            print_row(name, [measure(comparison, each, config) for each in sets])
    with_looks = [measure(comparison, each, AS_IT_IS, looks=True) for each in (drawn, sets[1])]
    print_row("with looks (MOT17 only)", with_looks)


def print_row(name: str, results: list[np.ndarray]) -> None:
    """One line of the table."""
    print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in np.concatenate(results)) + " |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])

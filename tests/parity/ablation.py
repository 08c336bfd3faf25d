"""What the tracker's parts are worth: the table in docs/tracking.md.

`.venv-peers/bin/python -m tests.parity.ablation COMPARISON_SCRIPT DATA_FOLDER` prints it. The script is
that of `sightline bench tracker`: it has the sequences, the noise and the scores. Each variant changes
one function of the tracker while it runs. In the second set of sequences every object's detections are
taken away now and then, for 0.3 to 1.2 s.
"""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from processors.track import association, coasting, matching, motion, tracker
from processors.track.config import TrackerConfig
from processors.track.state import CLAIM, MOTION, UNSEEN_S
from tests.parity import sightline_mot

Sequences = list[tuple[str, np.ndarray, list[np.ndarray], float]]
METRICS = ("HOTA", "MOTA", "IDF1", "IDSW")
AGES_S = (0.0, 0.08, 0.3, np.inf)
GOOD_SCORE = 0.5


def in_rounds(rounds: Callable[[Any, np.ndarray], list[np.ndarray]]) -> Any:
    """Matching in rounds instead of at once; `rounds` gives a mask of the candidates for each round."""
    at_once = association.matching

    def once(matcher: Any, plain: Any = matching._Matcher.once) -> None:
        plain(matcher)
        pairs, chosen = matcher.pairs, np.zeros(0, np.intp)
        for mask in rounds(matcher, pairs):
            taken_rows, taken_columns = pairs.rows[chosen], pairs.columns[chosen]
            free = mask & ~np.isin(pairs.rows, taken_rows) & ~np.isin(pairs.columns, taken_columns)
            places = free.nonzero()[0]
            left = pairs.rows[places], pairs.columns[places], pairs.gains[places]
            found = places[at_once(*left, pairs.shape)]
            chosen = np.sort(np.concatenate([chosen, found]))
        matcher.chosen, matcher.rows, matcher.columns = chosen, pairs.rows[chosen], pairs.columns[chosen]
        matcher.overlaps = pairs.overlaps[chosen]
        matcher.part = matcher.work.numbers.take(matcher.rows, axis=1)
        matcher.box = matcher.seen.box.take(matcher.columns, axis=1)

    return patch.object(matching._Matcher, "once", once)


def by_score(matcher: Any, pairs: Any) -> list[np.ndarray]:
    """ByteTrack: good detections first, then the weak ones for the tracks that are left."""
    good = matcher.seen.scores[pairs.columns] >= GOOD_SCORE
    return [good, ~good]


def by_age(matcher: Any, pairs: Any) -> list[np.ndarray]:
    """DeepSORT's cascade: tracks that were seen lately first."""
    unseen_s = matcher.work.numbers[UNSEEN_S][pairs.rows]
    return [(unseen_s > low) & (unseen_s <= high) for low, high in pairwise(AGES_S)]


@contextmanager
def updated_again() -> Iterator[None]:
    """OC-SORT: after a gap the filter runs again, along a line from the last detection to the new one."""
    last: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    now: dict[str, Any] = {}
    update, follow = motion.update, tracker._follow

    def follow_noting(
        work: Any, seen: Any, found: Any, matches: Any, back: int, dt_s: float, config: Any
    ) -> Any:
        now.update(ids=work.track_ids[matches.rows].tolist(), dt_s=dt_s)
        if work.track_ids.size == 0:
            last.clear()  # another sequence, or nothing to remember
        return follow(work, seen, found, matches, back, dt_s, config)

    def update_again(part: np.ndarray, measured: np.ndarray, config: Any) -> None:
        gap_s = part[UNSEEN_S].copy()
        update(part, measured, config)
        for k, track in enumerate(now["ids"]):
            steps = round(gap_s[k] / now["dt_s"]) if now["dt_s"] else 0
            if track in last and steps > 1:
                box, again = last[track][0], last[track][1][:, None].copy()
                for step in range(1, steps + 1):
                    motion.predict(again, gap_s[k] / steps, config)
                    update(again, (box + (measured[:, k] - box) * step / steps)[:, None], config)
                part[MOTION, k] = again[:, 0]
            last[track] = measured[:, k].copy(), part[MOTION, k].copy()

    with patch.object(tracker, "_follow", follow_noting), patch.object(motion, "update", update_again):
        yield


@contextmanager
def still_camera() -> Iterator[None]:
    """No part of a frame's displacements is taken for the camera's."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(matching, "SHIFT_ROUNDS", 0))
        stack.enter_context(patch.object(matching._Matcher, "vote", lambda _: False))
        yield


def seen_only(numbers: np.ndarray) -> np.ndarray:
    """Which tracks are put out, if no prediction is."""
    return ((numbers[UNSEEN_S] == 0) & (numbers[CLAIM] >= 1)).nonzero()[0]


AS_IT_IS = TrackerConfig()
VARIANTS: dict[str, tuple[Callable[[], Any], TrackerConfig]] = {
    "as it is": (nullcontext, AS_IT_IS),
    "OC-SORT's second update after a gap": (updated_again, AS_IT_IS),
    "ByteTrack's two rounds by score": (lambda: in_rounds(by_score), AS_IT_IS),
    "DeepSORT's cascade by age": (lambda: in_rounds(by_age), AS_IT_IS),
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


def main(script: str, data: str) -> None:
    """Print the table."""
    spec = importlib.util.spec_from_file_location("comparison", Path(script))
    assert spec is not None
    assert spec.loader is not None
    comparison = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(comparison)
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

"""The comparison of the tables with the truth, for streams whose cameras know it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from sightline.errors import SightlineError
from sightline.pipeline.accounts import Query
from sightline.pipeline.truth_counts import LineCount, count_error, read_counts
from sightline.pipeline.truth_labels import LabelledObject, label_accuracy, labelled_objects
from sightline.pipeline.truth_matching import matched, to_score
from sightline.pipeline.truth_tables import epochs_with_truth, read_scene
from sightline.scoring.scorer import Scene, Scores, install_scorer, score
from sightline.stack.cache import Progress

Scorer = Callable[[Mapping[str, Scene]], tuple[Scores, Mapping[str, Scores]]]
"""Scores scenes together and each by itself; raises `SightlineError`."""

WORST: Final = 12


@dataclass(frozen=True)
class TruthReport:
    """How near the tables come to the truth.

    Attributes:
        counts: Objects that crossed lines, counted and true.
        objects: Objects that could be seen well, and the labels of the tracks on them.
        scores: TrackEval's scores of all frames together; None if it could not be asked.
        streams: Its scores of each stream and epoch.
        frames: Frames that were compared.
        note: Why there are no scores, or "".
    """

    counts: Sequence[LineCount]
    objects: Sequence[LabelledObject]
    scores: Scores | None
    streams: Mapping[str, Scores] = field(default_factory=dict)
    frames: int = 0
    note: str = ""

    @property
    def count_error(self) -> float | None:
        """Sum of the differences over the sum of the true counts, 0 or more; None without any."""
        return count_error(self.counts)

    @property
    def label_accuracy(self) -> float | None:
        """Mean share of right labels over the objects, 0..1; None without any."""
        return label_accuracy(self.objects)

    def as_json(self) -> dict[str, Any]:
        """The part `truth` of the document that --report writes."""
        scores = self.scores
        return {
            "count_error": _rounded(self.count_error),
            "hota": None if scores is None else round(scores.hota, 2),
            "mota": None if scores is None else round(scores.mota, 2),
            "idf1": None if scores is None else round(scores.idf1, 2),
            "label_accuracy": _rounded(self.label_accuracy),
            "note": self.note,
            "frames": self.frames,
            "scores": asdict(scores) if scores else None,
            "streams": {name: asdict(each) for name, each in self.streams.items()},
            "counts": [asdict(each) for each in self.counts],
            "objects": len(self.objects),
            "wrong_labels": [
                {
                    "stream_id": each.stream_id,
                    "object_id": each.object_id,
                    "attribute": each.attribute,
                    "frames": dict(each.frames),
                }
                for each in self.objects
                if each.share < 1
            ],
        }


def ready_scorer(cache: Path, progress: Progress) -> Scorer:
    """TrackEval, installed the first time; if it cannot be, what it returns says why when it is called."""
    try:
        return partial(score, install_scorer(cache, progress))
    except SightlineError as error:
        return partial(_refuse, error)


def compare(query: Query, since_ns: int, scorer: Scorer) -> TruthReport | None:
    """Compare the tables with the truth, over the streams that gateways reported since a time.

    Args:
        query: Runs a SELECT.
        since_ns: Unix nanoseconds.
        scorer: Asks TrackEval; if it raises, the rest is reported and the reason noted.

    Returns:
        None if no gateway sent any truth.
    """
    epochs = epochs_with_truth(query, since_ns)
    if not epochs:
        return None
    scenes: dict[str, Scene] = {}
    objects: list[LabelledObject] = []
    for stream_id, epoch in epochs:
        scene = read_scene(query, stream_id, epoch)
        pairs = matched(scene)
        scenes[scene.name] = to_score(scene, pairs)
        objects += labelled_objects(scene, pairs)
    scores, streams, note = _scored(scorer, scenes)
    return TruthReport(
        counts=read_counts(query, set(epochs)),
        objects=objects,
        scores=scores,
        streams=streams,
        frames=sum(scene.frames for scene in scenes.values()),
        note=note,
    )


def confusions(objects: Sequence[LabelledObject]) -> list[tuple[str, str, int]]:
    """What objects are, what their tracks are mostly taken for instead, and how many; most first."""
    wrong: Counter[tuple[str, str]] = Counter()
    for each in objects:
        label = each.frames.most_common(1)[0][0]
        if label != each.attribute:
            wrong[each.attribute, label] += 1
    return [(attribute, label, count) for (attribute, label), count in wrong.most_common(WORST)]


def _scored(scorer: Scorer, scenes: Mapping[str, Scene]) -> tuple[Scores | None, Mapping[str, Scores], str]:
    try:
        return (*scorer(scenes), "")
    except SightlineError as error:
        return None, {}, str(error)


def _refuse(reason: SightlineError, _scenes: Mapping[str, Scene]) -> tuple[Scores, Mapping[str, Scores]]:
    raise reason


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)

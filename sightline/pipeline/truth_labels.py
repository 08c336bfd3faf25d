"""How often a track's label is what its object is."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sightline.pipeline.truth_tables import Integers, SceneTables

CLEAR_VISIBILITY: Final = 0.5
CLEAR_FRAMES: Final = 10
"""Labels count for objects that show at least half of themselves on at least so many frames."""


@dataclass(frozen=True)
class LabelledObject:
    """An object, and what the tracks on it are taken for in the end.

    Attributes:
        stream_id: Its stream.
        object_id: The object.
        attribute: What it is.
        frames: Frames by the last label of the track that is on it.
    """

    stream_id: str
    object_id: int
    attribute: str
    frames: Counter[str]

    @property
    def share(self) -> float:
        """Share of its frames on which it is on a track with the right last label."""
        return self.frames[self.attribute] / self.frames.total()


def labelled_objects(scene: SceneTables, pairs: Integers) -> list[LabelledObject]:
    """The objects that could be seen well enough, and the tracks on them.

    A track belongs to the object that it was on for most of its frames, and counts there only.

    Args:
        scene: Truth and tracks.
        pairs: (K, 2) rows of both that are matched.
    """
    truth, tracks = scene.truth, scene.tracks
    last = dict(zip(tracks.ids.tolist(), tracks.names, strict=True))  # rows are in the order of frames
    attributes = dict(zip(truth.ids.tolist(), truth.names, strict=True))
    clear = Counter(truth.ids[scene.visibility >= CLEAR_VISIBILITY].tolist())
    met: dict[int, Counter[int]] = defaultdict(Counter)
    for object_id, track_id in zip(
        truth.ids[pairs[:, 0]].tolist(), tracks.ids[pairs[:, 1]].tolist(), strict=True
    ):
        met[track_id][object_id] += 1
    frames: dict[int, Counter[str]] = defaultdict(Counter)
    for track_id, objects in met.items():
        object_id, count = objects.most_common(1)[0]
        frames[object_id][last[track_id]] += count
    return [
        LabelledObject(scene.stream_id, object_id, attributes[object_id], found)
        for object_id, found in sorted(frames.items())
        if clear[object_id] >= CLEAR_FRAMES
    ]


def label_accuracy(objects: Sequence[LabelledObject]) -> float | None:
    """Mean share of right frames, each object with the same weight, 0..1; None without any."""
    return sum(each.share for each in objects) / len(objects) if objects else None

"""What the tables hold about frames whose truth is known: the true boxes and the tracks, scene by scene."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sightline.pipeline.accounts import Query, Row

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

EPOCHS_SQL: Final = """
SELECT stream_id, epoch FROM streams
WHERE stage = 'capture' AND at >= fromUnixTimestamp64Nano({since_ns:Int64})
GROUP BY stream_id, epoch HAVING argMax(counters['truth_rows'], at) > 0 ORDER BY stream_id, epoch"""

FRAMES_SQL: Final = """
SELECT seq FROM frames WHERE stream_id = {stream_id:String} AND epoch = {epoch:UInt64} ORDER BY seq"""

TRUTH_SQL: Final = """
SELECT seq, object_id AS id, attribute AS name, x1, y1, x2, y2, visibility FROM truth
WHERE stream_id = {stream_id:String} AND epoch = {epoch:UInt64} ORDER BY seq, id"""

TRACKS_SQL: Final = """
SELECT seq, track_id AS id, label AS name, x1, y1, x2, y2 FROM tracks
WHERE stream_id = {stream_id:String} AND epoch = {epoch:UInt64} AND observed ORDER BY seq, id"""


@dataclass(frozen=True, eq=False)
class Boxes:
    """N boxes of a scene, by rising frame.

    Attributes:
        frames: int64 (N,): places of their frames in the scene, from 0.
        ids: int64 (N,): whose they are.
        corners: float64 (N, 4): x1, y1, x2, y2 in pixels.
        names: N names: the object's attribute, or the track's label at that frame.
    """

    frames: Integers
    ids: Integers
    corners: Floats
    names: Sequence[str]


@dataclass(frozen=True, eq=False)
class SceneTables:
    """One epoch of one stream.

    Attributes:
        stream_id: The stream.
        epoch: Its epoch.
        frames: How many frames were written. Only these are compared.
        truth: What is really there.
        visibility: float64 (N,) in 0..1: how much of each true box's object can be seen.
        tracks: What the tracker saw; where it only predicts is left out.
    """

    stream_id: str
    epoch: int
    frames: int
    truth: Boxes
    visibility: Floats
    tracks: Boxes

    @property
    def name(self) -> str:
        """Stream and epoch."""
        return f"{self.stream_id}/{self.epoch}"


def epochs_with_truth(query: Query, since_ns: int) -> list[tuple[str, int]]:
    """Stream and epoch of what gateways sent the truth about, among what they reported since a time."""
    return [(row["stream_id"], row["epoch"]) for row in query(EPOCHS_SQL, {"since_ns": since_ns})]


def read_scene(query: Query, stream_id: str, epoch: int) -> SceneTables:
    """Read one epoch of one stream."""
    which: dict[str, Any] = {"stream_id": stream_id, "epoch": epoch}
    places = {row["seq"]: place for place, row in enumerate(query(FRAMES_SQL, which))}
    # The truth of a frame that was dropped on its way says nothing about the tracker.
    truth = [row for row in query(TRUTH_SQL, which) if row["seq"] in places]
    tracks = query(TRACKS_SQL, which)
    return SceneTables(
        stream_id=stream_id,
        epoch=epoch,
        frames=len(places),
        truth=_boxes(truth, places),
        visibility=np.array([row["visibility"] for row in truth], dtype=np.float64),
        tracks=_boxes([row for row in tracks if row["seq"] in places], places),
    )


def _boxes(rows: Sequence[Row], places: dict[int, int]) -> Boxes:
    corners = [[row["x1"], row["y1"], row["x2"], row["y2"]] for row in rows]
    return Boxes(
        frames=np.array([places[row["seq"]] for row in rows], dtype=np.int64),
        ids=np.array([row["id"] for row in rows], dtype=np.int64),
        corners=np.array(corners, dtype=np.float64).reshape(-1, 4),
        names=[row["name"] for row in rows],
    )

"""Our tracker behind the interface of the comparison script (`--ours tests.parity.sightline_mot`)."""

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from processors.track.config import TrackerConfig
from processors.track.state import initial_state
from processors.track.tracker import step
from schemas.detections import Detections

Array = npt.NDArray[np.float64]


def messages(dets: Sequence[Array], embeddings: Sequence[Array] | None, fps: float) -> list[Detections]:
    """One message a frame from (n, 6) arrays `x1 y1 x2 y2 score _` and (n, D) looks."""
    everything = np.concatenate([d[:, 2:4] for d in dets if len(d)] or [np.ones((1, 2))])
    width, height = np.clip(np.ceil(everything.max(0)), 1, 16384).astype(int).tolist()
    return [
        Detections(
            stream_id="mot",
            epoch=0,
            seq=index,
            captured_at_ns=round(index * 1e9 / fps),
            width=width,
            height=height,
            boxes=frame[:, :4].astype(np.float32),
            scores=frame[:, 4].astype(np.float32),
            class_ids=np.zeros(len(frame), np.uint16),
            labels="mot",
            names={0: "person"},
            embeddings=None if embeddings is None else embeddings[index].astype(np.float16),
        )
        for index, frame in enumerate(dets)
    ]


def run(
    dets: Sequence[Array],
    embeddings: Sequence[Array] | None,
    fps: float,
    config: TrackerConfig | None = None,
) -> tuple[Array, float]:
    """Track a sequence.

    Args:
        dets: Per frame (n, 6): x1, y1, x2, y2, score, unused.
        embeddings: Per frame (n, D) unit vectors, or None.
        fps: Frames per second.
        config: Other settings than the default ones.

    Returns:
        Rows (m, 6): frame from 1, id, x1, y1, x2, y2; and the microseconds that `step` took per frame.
    """
    chosen = config or TrackerConfig()
    state, rows, spent_s = initial_state(), [], 0.0
    for message in messages(dets, embeddings, fps):
        begin = time.perf_counter()
        state, result = step(state, message, chosen)
        spent_s += time.perf_counter() - begin
        assert result is not None
        tracks = result.tracks
        frame = np.full(len(tracks.track_ids), message.seq + 1)
        rows.append(np.column_stack([frame, tracks.track_ids, tracks.boxes]))
    return np.concatenate(rows), spent_s / max(1, len(dets)) * 1e6

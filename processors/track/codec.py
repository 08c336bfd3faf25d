"""The tracker's state as bytes: lossless, versioned, checked when read."""

from typing import Final

import numpy as np

from processors.track.state import LABEL_SLOTS, NO_LABEL, ROWS, TrackerState
from schemas.wire import MAX_EMBEDDING, DecodeError, Reader, array_bytes, pack

STATE_VERSION: Final = 1


def encode_state(state: TrackerState) -> bytes:
    """Pack the state; the same state gives the same bytes."""
    return pack(
        {
            "version": STATE_VERSION,
            "epoch": state.order[0] if state.order else None,
            "seq": state.order[1] if state.order else None,
            "captured_at_ns": state.captured_at_ns,
            "next_track_id": state.next_track_id,
            "names": state.names,
            "track_ids": array_bytes(state.track_ids, "<u8"),
            "numbers": array_bytes(state.numbers, "<f8"),
            "labels": array_bytes(state.labels, "<u2"),
            "decided": array_bytes(state.decided, "u1"),
            "label_ids": array_bytes(state.label_ids, "<u2"),
            "label_weights": array_bytes(state.label_weights, "<f8"),
            "embedding_width": state.embeddings.shape[1],
            "embeddings": array_bytes(state.embeddings, "<f2"),
        }
    )


def decode_state(data: bytes) -> TrackerState:
    """Unpack and check a state; raises `DecodeError` for bytes that `encode_state` did not make."""
    reader = Reader(data, version=STATE_VERSION)
    track_ids = reader.array("track_ids", "<u8", len(reader.binary("track_ids")) // 8)
    count = len(track_ids)
    names = reader.names("names")
    width = reader.integer("embedding_width", high=MAX_EMBEDDING)
    state = TrackerState(
        order=(reader.integer("epoch"), reader.integer("seq")) if reader.has("epoch") else None,
        captured_at_ns=reader.integer("captured_at_ns"),
        next_track_id=reader.integer("next_track_id", low=1),
        names=names,
        numbers=reader.array("numbers", "<f8", ROWS * count).reshape(ROWS, count),
        track_ids=track_ids,
        labels=reader.array("labels", "<u2", count),
        decided=reader.array("decided", "u1", count).view(np.bool_),
        label_ids=reader.array("label_ids", "<u2", LABEL_SLOTS * count).reshape(count, LABEL_SLOTS),
        label_weights=reader.array("label_weights", "<f8", LABEL_SLOTS * count).reshape(count, LABEL_SLOTS),
        embeddings=reader.array("embeddings", "<f2", width * count).reshape(count, width),
    )
    _check(state)
    return state


def _check(state: TrackerState) -> None:
    if not (np.isfinite(state.numbers).all() and np.isfinite(state.label_weights).all()):
        raise DecodeError("numbers", "a value is not finite")
    if not len(state):
        return
    if (state.track_ids[1:] <= state.track_ids[:-1]).any() or int(state.track_ids[-1]) >= state.next_track_id:
        raise DecodeError("track_ids", "are not rising, or reach next_track_id")
    if int(state.labels.max()) >= len(state.names):
        raise DecodeError("labels", "a label has no name")
    used = state.label_ids[state.label_ids != NO_LABEL]
    if used.size and int(used.max()) >= len(state.names):
        raise DecodeError("label_ids", "a label has no name")
    if int(state.decided.view(np.uint8).max()) > 1:
        raise DecodeError("decided", "a value is neither 0 nor 1")

"""The tracker's state as bytes: lossless, versioned, checked when read."""

from typing import Final

import numpy as np

from processors.track.gaps import NEVER, TRACK_KINDS
from processors.track.state import GAP_KIND, KIND, LABELS, LOOK_PRIOR, ROWS, TrackerState
from schemas.wire import MAX_EMBEDDING, DecodeError, Reader, array_bytes, pack

STATE_VERSION: Final = 1
_NAMED: Final = [KIND, *range(LABELS.start, LABELS.stop)]  # a kind and a first label are always there
MAX_NUMBER: Final = 1e18  # nothing that a step computes comes near it


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
            "embedding_width": state.embeddings.shape[1],
            "embeddings": array_bytes(state.embeddings, "<f2"),
            "mean_look": array_bytes(state.mean_look, "<f8"),
            "look_statistics": array_bytes(state.look_statistics, "<f8"),
            "gaps": array_bytes(state.gaps, "<f8"),
            "patience_s": array_bytes(state.patience_s, "<f8"),
        }
    )


def decode_state(data: bytes) -> TrackerState:
    """Unpack and check a state; raises `DecodeError` for bytes that `encode_state` did not make."""
    reader = Reader(data, version=STATE_VERSION)
    count, odd = divmod(len(reader.binary("track_ids")), 8)
    if odd:
        raise DecodeError("track_ids", "is not a row of 8-byte integers")
    width = reader.integer("embedding_width", high=MAX_EMBEDDING)
    gaps = reader.array("gaps", "<f8", TRACK_KINDS * (NEVER + 1)).reshape(TRACK_KINDS, NEVER + 1)
    if not (0 <= gaps.min() <= gaps.max() <= MAX_NUMBER):
        raise DecodeError("gaps", "a count is below 0, or not finite")
    state = TrackerState(
        order=(reader.integer("epoch"), reader.integer("seq")) if reader.has("epoch") else None,
        captured_at_ns=reader.integer("captured_at_ns"),
        next_track_id=reader.integer("next_track_id", low=1),
        names=reader.names("names"),
        numbers=reader.array("numbers", "<f8", ROWS * count).reshape(ROWS, count),
        track_ids=reader.array("track_ids", "<u8", count),
        embeddings=reader.array("embeddings", "<f2", width * count).reshape(count, width),
        mean_look=reader.array("mean_look", "<f8", width),
        look_statistics=reader.array("look_statistics", "<f8", len(LOOK_PRIOR)),
        gaps=gaps,
        patience_s=reader.array("patience_s", "<f8", TRACK_KINDS),
    )
    _check_values(state)
    if count:
        _check_tracks(state)
    return state


def _check_values(state: TrackerState) -> None:
    # NaN compares false, so these tests also refuse what is not a number.
    for name in ("numbers", "embeddings", "mean_look", "look_statistics", "patience_s"):
        values = getattr(state, name)
        if values.size and not float(np.abs(values).max()) <= MAX_NUMBER:
            raise DecodeError(name, "a value is not finite, or too large")


def _check_tracks(state: TrackerState) -> None:
    ids = state.track_ids
    if (ids[1:] <= ids[:-1]).any() or int(ids[-1]) >= state.next_track_id:
        raise DecodeError("track_ids", "are not rising, or reach next_track_id")
    places = state.numbers[_NAMED]
    if places[:2].min() < 0 or places.min() < -1 or places.max() >= len(state.names) or (places % 1).any():
        raise DecodeError("numbers", "a label has no name")
    kinds = state.numbers[GAP_KIND]
    if kinds.min() < 0 or kinds.max() >= TRACK_KINDS or (kinds % 1).any():
        raise DecodeError("numbers", "a gap is out of range")
    if state.numbers[2:4].min() < 1 or state.numbers[8:10].min() < 0:
        raise DecodeError("numbers", "a box has no size, or a variance is negative")

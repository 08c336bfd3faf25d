"""The tracker's state as bytes: lossless, versioned, checked when read."""

import math
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from processors.track.gaps import NEVER, TRACK_KINDS
from processors.track.state import GAP_KIND, KIND, LABELS, LOOK_PRIOR, ROWS, SCORE_RANGES, TrackerState
from schemas.arrays import MAX_EMBEDDING, array
from schemas.fields import Count, Names, integer, number, optional
from schemas.wire import DecodeError, Message

STATE_VERSION: Final = 1
FIRST_ROWS: Final = 35  # of `numbers` in the first snapshots of this version
_NAMED: Final = [KIND, *range(LABELS.start, LABELS.stop)]  # a kind and a first label are always there
MAX_NUMBER: Final = 1e18  # nothing that a step computes comes near it


Floats = Annotated[npt.NDArray[np.float64], array("<f8")]
Later = Annotated[npt.NDArray[np.float64] | None, optional(array("<f8"))]  # older snapshots have none


@dataclass(frozen=True, kw_only=True, eq=False)
class _StateMessage(Message):
    """`TrackerState`, with arrays in one dimension, `order` in two fields and the width of an embedding."""

    version: ClassVar[int] = STATE_VERSION
    epoch: Annotated[int | None, optional(integer())] = None
    seq: Annotated[int | None, replace(integer(), only_with="epoch")] = None
    captured_at_ns: Count
    next_track_id: Annotated[int, integer(low=1)]
    names: Names
    track_ids: Annotated[npt.NDArray[np.uint64], array("<u8")]
    numbers: Floats
    embedding_width: Annotated[int, integer(high=MAX_EMBEDDING)]
    embeddings: Annotated[npt.NDArray[np.float16], array("<f2")]
    mean_look: Floats
    look_statistics: Floats
    gaps: Floats
    patience_s: Floats
    refresh_in_s: Annotated[float, optional(number(0.0, 1.0))] = 0.0
    redetections: Later = None
    correlations: Later = None

    def shaped(self, name: str, *shape: int) -> npt.NDArray[Any]:
        """An array in its shape, zeros if it is missing; raises `DecodeError` if its size is another."""
        values: npt.NDArray[Any] | None = getattr(self, name)
        if values is None:
            return np.zeros(shape)
        if values.size != math.prod(shape):
            raise DecodeError(name, f"{values.size} elements, where {math.prod(shape)} belong")
        return values.reshape(shape)

    def rows(self, count: int) -> npt.NDArray[np.float64]:
        """(ROWS, M) numbers of the tracks; those of an older snapshot lack the rows that came later."""
        if self.numbers.size != FIRST_ROWS * count:
            return self.shaped("numbers", ROWS, count)
        return np.concatenate([self.numbers.reshape(FIRST_ROWS, count), np.zeros((ROWS - FIRST_ROWS, count))])


def encode_state(state: TrackerState) -> bytes:
    """Pack the state; the same state gives the same bytes."""
    epoch, seq = state.order or (None, None)
    same = {field.name: getattr(state, field.name) for field in fields(state) if field.name != "order"}
    return _StateMessage(epoch=epoch, seq=seq, embedding_width=state.embeddings.shape[1], **same).to_bytes()


def decode_state(data: bytes) -> TrackerState:
    """Unpack and check a state; raises `DecodeError` for bytes that `encode_state` did not make."""
    packed = _StateMessage.from_bytes(data)
    count, width = len(packed.track_ids), packed.embedding_width
    gaps = packed.shaped("gaps", TRACK_KINDS, NEVER + 1)
    if not (0 <= gaps.min() <= gaps.max() <= MAX_NUMBER):
        raise DecodeError("gaps", "a count is below 0, or not finite")
    redetections = packed.shaped("redetections", 2, SCORE_RANGES)
    if not (0 <= redetections.min() <= redetections.max() <= MAX_NUMBER):
        raise DecodeError("redetections", "a count is below 0, or not finite")
    state = TrackerState(
        order=None if packed.epoch is None or packed.seq is None else (packed.epoch, packed.seq),
        captured_at_ns=packed.captured_at_ns,
        next_track_id=packed.next_track_id,
        names=packed.names,
        numbers=packed.rows(count),
        track_ids=packed.track_ids,
        embeddings=packed.shaped("embeddings", count, width),
        mean_look=packed.shaped("mean_look", width),
        look_statistics=packed.shaped("look_statistics", len(LOOK_PRIOR)),
        gaps=gaps,
        patience_s=packed.shaped("patience_s", TRACK_KINDS),
        refresh_in_s=packed.refresh_in_s,
        redetections=redetections,
        correlations=packed.shaped("correlations", 2, 2),
    )
    _check_values(state)
    if count:
        _check_tracks(state)
    return state


def _check_values(state: TrackerState) -> None:
    # NaN compares false, so these tests also refuse what is not a number.
    for name in ("numbers", "embeddings", "mean_look", "look_statistics", "patience_s", "correlations"):
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

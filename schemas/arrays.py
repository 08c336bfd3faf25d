"""Fields that are arrays: the elements row by row, as little-endian bytes of a dtype that the schema fixes.

Reading one gives a read-only view of the message, without a copy. A message's number of rows N follows from
the length of its `boxes`, and every other array must fit it.
"""

from dataclasses import replace
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt

from schemas.fields import MAX_INT, Field, Map, Read, binary, texts
from schemas.unpacking import DecodeError

MAX_BOXES: Final = 4096
MAX_COORDINATE_PX: Final = 1_000_000.0
MAX_EMBEDDING: Final = 2048

_F4: Final = np.dtype("<f4")
_bytes = binary().read
_texts = texts().read


def array(dtype: str) -> Field:
    """One element for each box; in a message without boxes, as many as there are."""
    kind = np.dtype(dtype)

    def read(name: str, packed: Map, known: Map) -> npt.NDArray[Any]:
        data = _bytes(name, packed, known)
        count = len(known["boxes"]) if "boxes" in known else len(data) // kind.itemsize
        return _elements(name, data, kind, count)

    return _field(kind, "(N)", read)


def unsigned(dtype: str, high: int, view: str = "") -> Field:
    """An integer from 0 to high for each box; in Python of the dtype `view`, of the same size."""
    whole = array(dtype)

    def read(name: str, packed: Map, known: Map) -> npt.NDArray[Any]:
        values = whole.read(name, packed, known)
        if values.size and int(values.max()) > high:
            reason = f"{int(values.max())} is not in 0..{high}" if high > 1 else "a value is neither 0 nor 1"
            raise DecodeError(name, reason)
        shown: npt.NDArray[Any] = values.view(view) if view else values
        return shown

    return replace(whole, read=read)


def unit_floats(columns: str = "") -> Field:
    """A float32 in 0..1 for each box, or for each box and each of the C names in the field `columns`."""

    def read(name: str, packed: Map, known: Map) -> npt.NDArray[Any]:
        names = _texts(columns, packed, known) if columns else ()
        if columns and not names:
            raise DecodeError(columns, f"names no column, where there are {name}")
        count = len(known["boxes"])
        values = _elements(name, _bytes(name, packed, known), _F4, count * (len(names) or 1))
        if values.size and not (values.min() >= 0 and values.max() <= 1):  # false with NaN too
            raise DecodeError(name, "a value is not in 0..1")
        shaped: npt.NDArray[Any] = values.reshape(count, len(names)) if columns else values
        return shaped

    return _field(_F4, "(N, C)" if columns else "(N)", read, "0 to 1")


def boxes() -> Field:
    """Boxes (N, 4) float32, x1 y1 x2 y2 in pixels, finite and in order; N is at most MAX_BOXES."""

    def read(name: str, packed: Map, known: Map) -> npt.NDArray[np.float32]:
        data = _bytes(name, packed, known)
        if len(data) % 16 or len(data) > MAX_BOXES * 16:
            raise DecodeError(name, f"{len(data)} bytes are not 0 to {MAX_BOXES} boxes of 16")
        found = _coordinates(name, data, 4)
        if (found[:, 2:] < found[:, :2]).any():
            raise DecodeError(name, "x2 < x1 or y2 < y1")
        return found

    return replace(_field(_F4, "(N, 4)", read), first=True)


def embeddings() -> Field:
    """A finite row of D float16 for each box; D follows from the length, and is 0 without boxes."""

    def read(name: str, packed: Map, known: Map) -> npt.NDArray[np.float16]:
        data, count = _bytes(name, packed, known), len(known["boxes"])
        row_bytes, rest = divmod(len(data), count) if count else (0, len(data))
        if rest or row_bytes % 2 or row_bytes // 2 > MAX_EMBEDDING or (count and not row_bytes):
            raise DecodeError(name, f"{len(data)} bytes are not {count} rows of 1 to {MAX_EMBEDDING} <f2")
        values = np.frombuffer(data, dtype="<f2").reshape(count, row_bytes // 2)
        if not np.isfinite(values).all():
            raise DecodeError(name, "a value is not finite")
        return values

    return _field(np.dtype("<f2"), "(N, D)", read, f"1 to {MAX_EMBEDDING}")


def points(max_points: int) -> Field:
    """Two points (K, 2) float32 or more, x y in pixels; in Python pairs of floats, none if it is left out."""

    def read(name: str, packed: Map, known: Map) -> tuple[tuple[float, float], ...]:
        data = _bytes(name, packed, known)
        if len(data) % 8 or not 2 <= len(data) // 8 <= max_points:
            raise DecodeError(name, f"{len(data)} bytes are not 2 to {max_points} points of 8")
        return tuple((float(x), float(y)) for x, y in _coordinates(name, data, 2))

    return _field(_F4, "(K, 2)", read, f"3 to {max_points} corners")


def check_indices(name: str, indices: npt.NDArray[np.uint16], names: str, known: tuple[str, ...]) -> None:
    """Refuse an index that is no place in a list of names; raises `DecodeError`."""
    if indices.size and int(indices.max()) >= len(known):
        raise DecodeError(name, f"{int(indices.max())} is no index into {len(known)} {names}")


def _coordinates(name: str, data: bytes, columns: int) -> npt.NDArray[np.float32]:
    values = np.frombuffer(data, _F4).reshape(-1, columns)
    # Of what holds NaN, min and max are NaN, which compares false: so this also refuses NaN.
    if values.size and not (values.min() >= -MAX_COORDINATE_PX and values.max() <= MAX_COORDINATE_PX):
        raise DecodeError(name, f"a coordinate is not finite, or beyond {MAX_COORDINATE_PX:.0f} pixels")
    return values


def _elements(name: str, data: bytes, dtype: np.dtype[Any], count: int) -> npt.NDArray[Any]:
    expected = count * dtype.itemsize
    if len(data) != expected:
        raise DecodeError(name, f"{len(data)} bytes, where {count} {dtype.str.lstrip('|')} take {expected}")
    return np.frombuffer(data, dtype)


def _field(dtype: np.dtype[Any], shape: str, read: Read, limits: str = "") -> Field:
    def write(values: Any) -> bytes:
        return np.ascontiguousarray(values, dtype).tobytes()

    return Field(f"{dtype.kind}{8 * dtype.itemsize} {shape}", read, write, limits)


BoxArray = Annotated[npt.NDArray[np.float32], boxes()]
UnitArray = Annotated[npt.NDArray[np.float32], unit_floats()]
IdArray = Annotated[npt.NDArray[np.uint64], unsigned("<u8", MAX_INT)]
IndexArray = Annotated[npt.NDArray[np.uint16], array("<u2")]
FlagArray = Annotated[npt.NDArray[np.bool_], unsigned("u1", 1, view="?")]

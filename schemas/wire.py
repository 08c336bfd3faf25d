"""How every message is packed and, above all, checked when it is unpacked.

A message is a MessagePack map with full field names. Arrays travel as little-endian binary whose dtype
is fixed by the schema, so that reading one is `np.frombuffer`, without a copy. Nothing that comes from
the wire is trusted: `Reader` checks type, range, shape and finiteness of each field that it hands out
and raises `DecodeError` with the name of the field and the reason.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgpack
import numpy as np
import numpy.typing as npt

from schemas.unpacking import MAX_MESSAGE_BYTES, MAX_NAMES, size_checked, unpack
from schemas.unpacking import DecodeError as DecodeError

MAX_BOXES: Final = 4096
MAX_SIDE_PX: Final = 16_384
MAX_COORDINATE_PX: Final = 1_000_000.0
MAX_NAME_CHARS: Final = 128
MAX_TRACE: Final = 32
MAX_EMBEDDING: Final = 2048
MAX_INT: Final = 2**63 - 1

STREAM_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")

Trace = tuple[tuple[str, int], ...]
"""What happened to a frame: pairs of a stage's name and its clock in Unix nanoseconds, oldest first."""


def pack(fields: Mapping[str, Any]) -> bytes:
    """Pack fields as one MessagePack map; fields that are None are left out."""
    packed: bytes = msgpack.packb({k: v for k, v in fields.items() if v is not None}, use_bin_type=True)
    return packed


def array_bytes(array: npt.NDArray[Any], dtype: str) -> bytes:
    """The array's elements, row by row, as little-endian bytes of the schema's dtype."""
    return np.ascontiguousarray(array, dtype=dtype).tobytes()


def legal_stream_id(text: str) -> str:
    """Make any text a legal stream id: other characters become "-", and 64 of them are kept."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[:64] or "stream"


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamMessage:
    """What every message about a frame carries.

    Attributes:
        stream_id: The camera's sequence of frames: 1 to 64 of `A-Za-z0-9._-`.
        epoch: Rises each time a gateway starts the stream.
        seq: Rises by one for each captured frame, from 0; `(epoch, seq)` orders a stream.
        captured_at_ns: Event time in Unix nanoseconds.
        trace: Which stages the frame has passed, and when; its first entry is the capture by wall clock.
    """

    stream_id: str
    epoch: int
    seq: int
    captured_at_ns: int
    trace: Trace = ()

    @property
    def order(self) -> tuple[int, int]:
        """The frame's place in its stream."""
        return (self.epoch, self.seq)

    def identity_fields(self) -> dict[str, Any]:
        """The fields of this class, ready to pack."""
        return {
            "version": 1,
            "stream_id": self.stream_id,
            "epoch": self.epoch,
            "seq": self.seq,
            "captured_at_ns": self.captured_at_ns,
            "trace": self.trace,
        }


class Reader:
    """Hands out the fields of one packed message, checked."""

    def __init__(self, data: bytes | None, *, version: int = 1) -> None:
        checked = size_checked(data)
        try:
            fields = unpack(checked)
        except Exception as error:  # msgpack raises a dozen unrelated types; all mean the same here
            raise DecodeError(
                "message", f"cannot be read as MessagePack ({type(error).__name__}: {error!s:.100})"
            ) from error
        if not isinstance(fields, dict):
            raise DecodeError("message", f"is {_kind(fields)}, not a map")
        self._fields: dict[str, Any] = fields
        if type(fields.get("version")) is not int or fields["version"] != version:
            raise DecodeError("version", f"is {fields.get('version')!r:.40}, this reader knows {version}")

    @classmethod
    def of(cls, fields: object, name: str) -> "Reader":
        """A reader of a map inside a message, which has no version of its own."""
        if not isinstance(fields, dict):
            raise DecodeError(name, f"holds {_kind(fields)}, not a map")
        reader = cls.__new__(cls)
        reader._fields = fields
        return reader

    def has(self, name: str) -> bool:
        """Whether the optional field is there."""
        return self._fields.get(name) is not None

    def integer(self, name: str, *, low: int = 0, high: int = MAX_INT) -> int:
        """An integer from low to high, both included."""
        value = self._fields.get(name)
        if type(value) is not int:
            raise DecodeError(name, _not_a(value, "an integer"))
        if not low <= value <= high:
            raise DecodeError(name, f"{value} is not in {low}..{high}")
        return value

    def number(self, name: str, *, low: float, high: float) -> float:
        """A finite number from low to high, both included."""
        value = self._fields.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise DecodeError(name, _not_a(value, "a number"))
        if not low <= value <= high:
            raise DecodeError(name, f"{value} is not in {low}..{high}")
        return float(value)

    def text(self, name: str, *, max_chars: int = MAX_NAME_CHARS) -> str:
        """A string of at most max_chars characters."""
        return _text(name, self._fields.get(name), max_chars)

    def binary(self, name: str, *, max_bytes: int = MAX_MESSAGE_BYTES) -> bytes:
        """A binary field of at most max_bytes bytes."""
        value = self._fields.get(name)
        if type(value) is not bytes:
            raise DecodeError(name, _not_a(value, "binary"))
        if len(value) > max_bytes:
            raise DecodeError(name, f"{len(value)} bytes are over the limit of {max_bytes}")
        return value

    def names(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        return tuple(_text(name, item, MAX_NAME_CHARS) for item in self._list(name, MAX_NAMES))

    def named_ids(self, name: str) -> dict[int, str]:
        """A list of [id, name] pairs, ids from 0 to 65535."""
        pairs: dict[int, str] = {}
        for item in self._list(name, MAX_NAMES):
            if not (isinstance(item, list) and len(item) == 2 and type(item[0]) is int):
                raise DecodeError(name, "holds something that is not an [id, name] pair")
            if not 0 <= item[0] <= 0xFFFF:
                raise DecodeError(name, f"id {item[0]} is not in 0..65535")
            if item[0] in pairs:
                raise DecodeError(name, f"id {item[0]} has two names")
            pairs[item[0]] = _text(name, item[1], MAX_NAME_CHARS)
        return pairs

    def counters(self, name: str) -> dict[str, int]:
        """A map of names to integers from 0 up."""
        value = self._fields.get(name)
        if not isinstance(value, dict):
            raise DecodeError(name, _not_a(value, "a map of counters"))
        for key, count in value.items():
            _text(name, key, MAX_NAME_CHARS)
            if type(count) is not int or not 0 <= count <= MAX_INT:
                raise DecodeError(name, f"{key!r:.40} is {count!r:.40}, not a count in 0..{MAX_INT}")
        return value

    def identity(self) -> dict[str, Any]:
        """The fields of `StreamMessage`, by name."""
        return {
            "stream_id": self.stream_id(),
            "epoch": self.integer("epoch"),
            "seq": self.integer("seq"),
            "captured_at_ns": self.integer("captured_at_ns"),
            "trace": self.trace(),
        }

    def stream_id(self) -> str:
        """The stream id."""
        value = _text("stream_id", self._fields.get("stream_id"), MAX_NAME_CHARS)
        if not STREAM_ID.match(value):
            raise DecodeError("stream_id", f"{value!r:.80} is not 1 to 64 of A-Za-z0-9._-")
        return value

    def choice(self, name: str, values: tuple[str, ...]) -> str:
        """One of the strings in `values`."""
        value = self.text(name)
        if value not in values:
            raise DecodeError(name, f"{value!r:.40} is not one of {', '.join(values)}")
        return value

    def trace(self) -> Trace:
        """The stages that the frame has passed."""
        pairs = []
        for item in self._list("trace", MAX_TRACE):
            if not (isinstance(item, list) and len(item) == 2 and type(item[1]) is int):
                raise DecodeError("trace", "holds something that is not a [stage, clock] pair")
            if not 0 <= item[1] <= MAX_INT:
                raise DecodeError("trace", f"clock {item[1]} is not in 0..{MAX_INT}")
            pairs.append((_text("trace", item[0], MAX_NAME_CHARS), item[1]))
        return tuple(pairs)

    def size_px(self) -> tuple[int, int]:
        """Width and height of the source frame, in pixels."""
        return (
            self.integer("width", low=1, high=MAX_SIDE_PX),
            self.integer("height", low=1, high=MAX_SIDE_PX),
        )

    def array(self, name: str, dtype: str, count: int) -> npt.NDArray[Any]:
        """Exactly `count` elements of a dtype, as a read-only view of the message."""
        data = self.binary(name)
        expected = count * np.dtype(dtype).itemsize
        if len(data) != expected:
            raise DecodeError(name, f"{len(data)} bytes, where {count} {dtype} take {expected}")
        return np.frombuffer(data, dtype=dtype)

    def boxes(self) -> npt.NDArray[np.float32]:
        """Boxes (N, 4) float32, x1 y1 x2 y2 in pixels, finite and in order; N is at most MAX_BOXES."""
        data = self.binary("boxes")
        if len(data) % 16 or len(data) > MAX_BOXES * 16:
            raise DecodeError("boxes", f"{len(data)} bytes are not 0 to {MAX_BOXES} boxes of 16")
        boxes = self.coordinates("boxes", data, 4)
        if (boxes[:, 2:] < boxes[:, :2]).any():
            raise DecodeError("boxes", "x2 < x1 or y2 < y1")
        return boxes

    def coordinates(self, name: str, data: bytes, columns: int) -> npt.NDArray[np.float32]:
        """Rows of float32 in pixels, finite and within MAX_COORDINATE_PX; data is a multiple of a row."""
        values = np.frombuffer(data, dtype="<f4").reshape(-1, columns)
        # Of what holds NaN, min and max are NaN, which compares false: so this also refuses NaN.
        if values.size and not (values.min() >= -MAX_COORDINATE_PX and values.max() <= MAX_COORDINATE_PX):
            raise DecodeError(name, f"a coordinate is not finite, or beyond {MAX_COORDINATE_PX:.0f} pixels")
        return values

    def indices(self, name: str, names: str, count: int) -> tuple[npt.NDArray[np.uint16], tuple[str, ...]]:
        """Exactly `count` uint16 that are places in a list of strings, and that list."""
        ids, known = self.array(name, "<u2", count), self.names(names)
        if count and int(ids.max()) >= len(known):
            raise DecodeError(name, f"{int(ids.max())} is no index into {len(known)} {names}")
        return ids, known

    def maps(self, name: str, max_items: int) -> "list[Reader]":
        """A list of maps, each with a reader of its own."""
        return [Reader.of(item, name) for item in self._list(name, max_items)]

    def unit_floats(self, name: str, dtype: str, count: int) -> npt.NDArray[Any]:
        """Exactly `count` floats in 0..1."""
        values = self.array(name, dtype, count)
        if count and not (values.min() >= 0 and values.max() <= 1):  # false with NaN too
            raise DecodeError(name, "a value is not in 0..1")
        return values

    def rows(self, name: str, dtype: str, count: int, max_columns: int) -> npt.NDArray[Any]:
        """A finite matrix of `count` rows of at least one element; its width follows from the length.

        Without rows nothing tells the width, and it is 0.
        """
        data = self.binary(name)
        row_bytes, rest = divmod(len(data), count) if count else (0, len(data))
        columns, odd = divmod(row_bytes, np.dtype(dtype).itemsize)
        if rest or odd or columns > max_columns or (count and not columns):
            raise DecodeError(name, f"{len(data)} bytes are not {count} rows of 1 to {max_columns} {dtype}")
        values = np.frombuffer(data, dtype=dtype).reshape(count, columns)
        if not np.isfinite(values).all():
            raise DecodeError(name, "a value is not finite")
        return values

    def _list(self, name: str, max_items: int) -> list[Any]:
        value = self._fields.get(name)
        if not isinstance(value, list):
            raise DecodeError(name, _not_a(value, "a list"))
        if len(value) > max_items:
            raise DecodeError(name, f"{len(value)} items are over the limit of {max_items}")
        return value


_KINDS: Final = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    bytes: "binary",
    list: "a list",
    dict: "a map",
}


def _kind(value: object) -> str:
    return "nil" if value is None else _KINDS.get(type(value), "an extension type")


def _not_a(value: object, wanted: str) -> str:
    return "is missing" if value is None else f"is {_kind(value)}, not {wanted}"


def _text(name: str, value: object, max_chars: int) -> str:
    if type(value) is not str:
        raise DecodeError(name, _not_a(value, "a string"))
    if len(value) > max_chars:
        raise DecodeError(name, f"{len(value)} characters are over the limit of {max_chars}")
    return value

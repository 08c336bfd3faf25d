"""Blocks of rows in ClickHouse's Native format, built column by column from arrays.

The layout is https://clickhouse.com/docs/interfaces/formats/Native: the counts of columns and rows, then for
each column its name, its type and its values. Writing it here costs a tenth of what a general client takes,
and a column that is `LowCardinality` in the table is sent plain: the engine casts it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_DTYPES: Final = {
    "UInt8": "<u1",
    "UInt16": "<u2",
    "UInt32": "<u4",
    "UInt64": "<u8",
    "Float32": "<f4",
    "Bool": "<u1",
    "DateTime64(9, 'UTC')": "<i8",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a block.

    Attributes:
        name: Its name in the table.
        type: Its type on the wire.
        rows: How many values it has.
        data: The values, as the type's Native layout.
    """

    name: str
    type: str
    rows: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one table.

    Attributes:
        columns: Columns of the same length.
        rows: That length.
    """

    columns: tuple[Column, ...]
    rows: int

    def to_bytes(self) -> bytes:
        """The block in Native format."""
        parts = [varint(len(self.columns)), varint(self.rows)]
        for column in self.columns:
            parts += [string(column.name), string(column.type), column.data]
        return b"".join(parts)


def block(columns: Iterable[Column]) -> Block:
    """A block of these columns, of which there must be one at least.

    Raises:
        ValueError: They differ in length.
    """
    found = tuple(columns)
    if len({column.rows for column in found}) != 1:
        raise ValueError(f"columns of different lengths: {[(c.name, c.rows) for c in found]}")
    return Block(found, found[0].rows)


def varint(number: int) -> bytes:
    """An unsigned integer, seven bits a byte, lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


@lru_cache(maxsize=4096)
def string(text: str) -> bytes:
    """A text as the engine reads it: the length of its UTF-8 bytes, then these."""
    # A lone surrogate is no character; what came from the wire cannot hold one, a file name can.
    encoded = text.encode(errors="replace")
    return varint(len(encoded)) + encoded


def numbers(name: str, kind: str, values: npt.ArrayLike) -> Column:
    """A column of numbers, of the types in this module's table; times are Unix nanoseconds."""
    array = np.asarray(values)
    return Column(name, kind, len(array), array.astype(_DTYPES[kind], copy=False).tobytes())


def nullable_numbers(name: str, kind: str, values: Sequence[Any]) -> Column:
    """A column of numbers in which None stands for no value."""
    mask = np.fromiter((value is None for value in values), np.uint8, len(values))
    filled = np.array([0 if value is None else value for value in values], dtype=_DTYPES[kind])
    return Column(name, f"Nullable({kind})", len(values), mask.tobytes() + filled.tobytes())


def number_lists(name: str, kind: str, values: Sequence[Sequence[float]]) -> Column:
    """A column of lists of numbers."""
    ends = np.cumsum([len(value) for value in values], dtype="<u8")
    items = np.array([item for value in values for item in value], dtype=_DTYPES[kind])
    return Column(name, f"Array({kind})", len(values), ends.tobytes() + items.tobytes())


def texts(name: str, encoded: Iterable[bytes], rows: int) -> Column:
    """A column of strings, each already passed through `string`."""
    return Column(name, "String", rows, b"".join(encoded))


def nullable_texts(name: str, values: Sequence[str | None]) -> Column:
    """A column of strings in which None stands for no value."""
    mask = bytes(value is None for value in values)
    return Column(
        name, "Nullable(String)", len(values), mask + b"".join(string(value or "") for value in values)
    )


def counters(name: str, values: Sequence[dict[str, int]]) -> Column:
    """A column of maps from names to counts."""
    ends = np.cumsum([len(value) for value in values], dtype="<u8")
    keys = b"".join(string(key) for value in values for key in value)
    counts = np.array([count for value in values for count in value.values()], dtype="<u8")
    return Column(name, "Map(String, UInt64)", len(values), ends.tobytes() + keys + counts.tobytes())

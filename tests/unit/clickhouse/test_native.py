"""Blocks have ClickHouse's Native layout, byte for byte."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.clickhouse.native import (
    block,
    counters,
    nullable_numbers,
    nullable_texts,
    number_lists,
    numbers,
    string,
    texts,
    varint,
)


def read_varint(data: bytes, at: int = 0) -> tuple[int, int]:
    """The number at a place, and the place behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


@given(st.integers(0, 2**64 - 1))
def test_a_varint_is_read_back(number: int) -> None:
    data = varint(number)
    assert read_varint(data) == (number, len(data))


@given(st.text(max_size=300))
def test_a_string_is_its_length_in_bytes_and_its_bytes(text: str) -> None:
    data = string(text)
    length, start = read_varint(data)
    assert data[start:] == text.encode()
    assert length == len(text.encode())


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert string("a\ud800") == b"\x02a?"


def test_a_block_is_counts_then_columns() -> None:
    made = block((numbers("n", "UInt16", [1, 258]), texts("t", [string("a"), string("bc")], 2)))
    assert made.to_bytes() == b"\x02\x02" + b"\x01n\x06UInt16\x01\x00\x02\x01" + b"\x01t\x06String\x01a\x02bc"


def test_columns_of_different_lengths_make_no_block() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        block((numbers("a", "UInt8", [1]), numbers("b", "UInt8", [1, 2])))


@given(st.lists(st.none() | st.integers(0, 2**63 - 1), min_size=1, max_size=20))
def test_nullable_numbers_are_a_mask_and_values(values: list[int | None]) -> None:
    column = nullable_numbers("n", "UInt64", values)
    count = len(values)
    assert list(column.data[:count]) == [int(value is None) for value in values]
    assert list(struct.unpack(f"<{count}Q", column.data[count:])) == [value or 0 for value in values]


def test_a_column_of_a_matrix_is_taken_out_of_its_rows() -> None:
    boxes = np.arange(8, dtype=np.float32).reshape(2, 4)
    assert numbers("x2", "Float32", boxes[:, 2]).data == struct.pack("<2f", 2, 6)


def test_nullable_texts_are_a_mask_and_texts() -> None:
    assert nullable_texts("p", ["a", None]).data == b"\x00\x01" + b"\x01a" + b"\x00"


def test_lists_are_ends_and_items() -> None:
    column = number_lists("xs", "Float32", [(0.5, 1), (), (2,)])
    assert column.type == "Array(Float32)"
    assert column.data == struct.pack("<3Q", 2, 2, 3) + struct.pack("<3f", 0.5, 1, 2)


def test_maps_are_ends_keys_and_counts() -> None:
    column = counters("c", [{"a": 1, "b": 2}, {}, {"a": 3}])
    assert column.data == struct.pack("<3Q", 2, 2, 3) + b"\x01a\x01b\x01a" + struct.pack("<3Q", 1, 2, 3)

"""Whatever bytes come, the answer is a `DecodeError` or a message that means what it says."""

import tracemalloc
from collections.abc import Mapping
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.wire import DecodeError
from tests.unit.golden.samples import MESSAGES as SAMPLES
from tests.unit.schemas import strategies
from tests.unit.schemas.comparing import differences

KINDS = {name: type(sample) for name, sample in SAMPLES.items()}
PACKED = [name for name in SAMPLES if not name.startswith("alerts")]

HOSTILE: Mapping[str, bytes] = {
    "nil": b"\xc0",
    "false": b"\xc2",
    "true": b"\xc3",
    "zero": b"\x00",
    "minus one": b"\xff",
    "the smallest int64": b"\xd3\x80" + bytes(7),
    "the largest uint64": b"\xcf" + b"\xff" * 8,
    "float32 1": b"\xca\x3f\x80\x00\x00",
    "float32 NaN": b"\xca\x7f\xc0\x00\x00",
    "float64 NaN": b"\xcb\x7f\xf8" + bytes(6),
    "float64 infinity": b"\xcb\x7f\xf0" + bytes(6),
    "float64 minus infinity": b"\xcb\xff\xf0" + bytes(6),
    "empty text": b"\xa0",
    "text": b"\xa3cam",
    "text that is not UTF-8": b"\xa2\xc3\x28",
    "an encoded surrogate": b"\xa3\xed\xa0\x80",
    "4 GiB of text, it says": b"\xdb\xff\xff\xff\xffx",
    "empty binary": b"\xc4\x00",
    "16 zero bytes": b"\xc4\x10" + bytes(16),
    "16 NaN bytes": b"\xc4\x10" + b"\xff" * 16,
    "4 GiB of binary, it says": b"\xc6\xff\xff\xff\xffx",
    "empty list": b"\x90",
    "list of lists of nothing": b"\x92\x90\x90",
    "pair of the wrong kinds": b"\x91\x92\x01\x02",
    "pair with nil": b"\x91\x92\xc0\xc0",
    "4 billion items, it says": b"\xdd\xff\xff\xff\xff\x01",
    "empty map": b"\x80",
    "map with a list for a key": b"\x81\x91\x01\x01",
    "map with a map for a key": b"\x81\x80\x01",
    "map with an int for a key": b"\x81\x01\x01",
    "map with binary for a key": b"\x81\xc4\x01a\x01",
    "4 billion pairs, it says": b"\xdf\xff\xff\xff\xff\xa1a\x01",
    "extension type": b"\xd4\x05\x00",
    "timestamp": b"\xd6\xff\x00\x00\x00\x01",
    "timestamp with too many nanoseconds": b"\xd7\xff" + b"\xff" * 8,
    "timestamp of a wrong length": b"\xc7\x03\xff\x00\x00\x00",
    "reserved byte": b"\xc1",
    "600 nested lists": b"\x91" * 600 + b"\xc0",
    "100,000 nested lists": b"\x91" * 100_000 + b"\xc0",
    "nested maps": b"\x81\xa1a" * 600 + b"\xc0",
}


def accept(kind: Any, data: bytes) -> Any:
    """The message, checked to survive a round trip, or None if it was refused properly."""
    try:
        message = kind.from_bytes(data)
    except DecodeError as error:
        check_sentence(error)
        return None
    again = kind.from_bytes(message.to_bytes())
    assert differences(again, message) == []
    return message


def check_sentence(error: DecodeError) -> None:
    assert error.field
    assert error.reason
    assert len(str(error)) < 400
    assert str(error).encode(), "what cannot be encoded fits into no header"


def packed_with(name: str, field: str, value: bytes) -> bytes:
    """A sample's bytes with raw MessagePack in place of one field's value."""
    fields = msgpack.unpackb(SAMPLES[name].to_bytes())
    packer = msgpack.Packer()
    parts = [
        packer.pack(key) + (value if key == field else packer.pack(item)) for key, item in fields.items()
    ]
    if field not in fields:
        parts.append(packer.pack(field) + value)
    return bytes(packer.pack_map_header(len(parts)) + b"".join(parts))


def fields_of(name: str) -> list[str]:
    return list(msgpack.unpackb(SAMPLES[name].to_bytes()))


@pytest.mark.parametrize("name", KINDS)
@given(data=st.binary(max_size=300))
def test_random_bytes_are_refused(name: str, data: bytes) -> None:
    assert accept(KINDS[name], data) is None


@pytest.mark.parametrize("name", KINDS)
def test_a_message_cut_anywhere_is_refused(name: str) -> None:
    data = SAMPLES[name].to_bytes()
    for length in range(len(data)):
        assert accept(KINDS[name], data[:length]) is None, f"{length} of {len(data)} bytes were taken"


@pytest.mark.parametrize("name", KINDS)
def test_bytes_after_the_message_are_refused(name: str) -> None:
    for more in (b"\x00", b"\xc0", b"x", SAMPLES[name].to_bytes()):
        assert accept(KINDS[name], SAMPLES[name].to_bytes() + more) is None


@pytest.mark.parametrize("name", KINDS)
def test_any_flipped_bit_is_refused_or_gives_another_valid_message(name: str) -> None:
    data = SAMPLES[name].to_bytes()
    refused = 0
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        refused += accept(KINDS[name], bytes(flipped)) is None
    assert refused > len(data)  # field names, lengths and types at least


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
def test_any_message_with_some_bytes_changed_is_refused_or_valid(name: str, data: st.DataObject) -> None:
    kind = name.partition(".")[0].partition("_")[0]
    packed = bytearray(data.draw(strategies.MESSAGES[kind]).to_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    accept(KINDS[name], bytes(packed))


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", PACKED)
def test_any_field_with_a_hostile_value_is_refused_or_valid(name: str, value: bytes) -> None:
    for field in [*fields_of(name), "a field of the future"]:
        accept(KINDS[name], packed_with(name, field, value))


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", KINDS)
def test_a_hostile_value_as_the_whole_message_is_refused(name: str, value: bytes) -> None:
    assert accept(KINDS[name], value) is None


@pytest.mark.parametrize("name", PACKED)
def test_swapping_the_values_of_two_fields_is_refused_or_valid(name: str) -> None:
    fields = msgpack.unpackb(SAMPLES[name].to_bytes())
    for one in fields:
        for other in fields:
            accept(KINDS[name], msgpack.packb(fields | {one: fields[other], other: fields[one]}))


@pytest.mark.parametrize("name", PACKED)
@given(data=st.data())
def test_any_field_with_any_value_is_refused_or_valid(name: str, data: st.DataObject) -> None:
    leaves = (
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats()
        | st.text(max_size=200)
        | st.binary(max_size=100)
    )
    values = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    )
    field = data.draw(st.sampled_from(fields_of(name)))
    accept(KINDS[name], packed_with(name, field, msgpack.packb(data.draw(values))))


@pytest.mark.parametrize("name", KINDS)
def test_a_record_without_a_value_is_refused_as_a_tombstone(name: str) -> None:
    with pytest.raises(DecodeError, match="tombstone"):
        KINDS[name].from_bytes(None)


@pytest.mark.parametrize("name", KINDS)
def test_a_message_over_the_size_limit_is_refused_before_it_is_read(name: str) -> None:
    with pytest.raises(DecodeError, match="over the limit"):
        KINDS[name].from_bytes(bytes(16 * 1024 * 1024 + 1))


@pytest.mark.parametrize("piece", [b"\x80", b"\x90", b"\xa2ab", b"\xca\x40\x00\x00\x01"])
def test_a_large_message_of_tiny_values_takes_little_memory(piece: bytes) -> None:
    """One byte for an empty map is 64 bytes in Python: 16 MiB of them once took over 1 GB."""
    chunk = b"\xdc\x0f\xff" + piece * 4095
    data = packed_with("frames.v1", "x", b"\xdc\x03\x00" + chunk * 768)
    tracemalloc.start()
    try:
        assert accept(KINDS["frames.v1"], data) is None
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_frame_of_the_largest_size_is_taken() -> None:
    jpeg = bytes(15 * 1024 * 1024)
    packer = msgpack.Packer()
    assert accept(KINDS["frames.v1"], packed_with("frames.v1", "jpeg", packer.pack(jpeg))).jpeg == jpeg

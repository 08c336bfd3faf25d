"""The types of a message's fields: how each travels, and what of it is refused when it is read.

A message names each field once, as `name: Annotated[type in Python, type on the wire]`, and `schemas.wire`
derives packing and unpacking from that. Nothing that comes from the wire is trusted: `read` checks type,
range, shape and finiteness, and raises `DecodeError` with the field's name and the reason.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from schemas.unpacking import MAX_MESSAGE_BYTES, MAX_NAMES, DecodeError

MAX_SIDE_PX: Final = 16_384
MAX_NAME_CHARS: Final = 128
MAX_TRACE: Final = 32
MAX_INT: Final = 2**63 - 1

MAX_STREAM_ID_CHARS: Final = 64
STREAM_ID = re.compile(r"\A(?!\.\.?\Z)[A-Za-z0-9._-]{1,64}\Z")
"""An id names files and folders too, hence neither "." nor ".."."""
STREAM_ID_RULE: Final = "1 to 64 of A-Z a-z 0-9 . _ and -"

Trace = tuple[tuple[str, int], ...]
"""What happened to a frame: pairs of a stage's name and its clock in Unix nanoseconds, oldest first."""

Map = Mapping[str, Any]


Read = Callable[[str, Map, Map], Any]
"""Gives a field's checked value, from its name, all fields as they came, and those read before it."""

Write = Callable[[Any], Any]
"""Gives what MessagePack packs."""


@dataclass(frozen=True)
class Field:
    """How one field travels.

    Attributes:
        wire_type: Its type, as `schemas/README.md` calls it.
        read: Reads it.
        write: Writes it; None if MessagePack packs the value as it is.
        limits: Its limits, as `schemas/README.md` says them.
        first: Whether it is read before others, whose lengths follow from it.
        optional: Whether a message may lack it; the class's default stands for it then.
        empty: A value that is left out when it is packed, as None always is.
        only_with: Another field without which it is neither written nor read, or "".
    """

    wire_type: str
    read: Read
    write: Write | None = None
    limits: str = ""
    first: bool = False
    optional: bool = False
    empty: Any = None
    only_with: str = ""

    @property
    def conditional(self) -> bool:
        """Whether a message may be without it."""
        return self.optional or bool(self.only_with)


def optional(field: Field, empty: Any = None) -> Field:
    """The same field, which a message may lack, and which is left out if it is `empty`."""
    return replace(field, optional=True, empty=empty)


def integer(low: int = 0, high: int = MAX_INT) -> Field:
    """An integer from low to high, both included."""

    def read(name: str, packed: Map, _: Map) -> int:
        value = packed.get(name)
        if type(value) is not int:
            raise DecodeError(name, not_a(value, "an integer"))
        if not low <= value <= high:
            raise DecodeError(name, f"{value} is not in {low}..{high}")
        return value

    return Field("int", read, limits="" if high == MAX_INT else f"{low} to {high}")


def number(low: float, high: float) -> Field:
    """A finite number from low to high, both included."""

    def read(name: str, packed: Map, _: Map) -> float:
        value = packed.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise DecodeError(name, not_a(value, "a number"))
        if not low <= value <= high:
            raise DecodeError(name, f"{value} is not in {low}..{high}")
        return float(value)

    return Field("float", read, limits=f"{low:g} to {high:g}")


def text(max_chars: int = MAX_NAME_CHARS, choices: tuple[str, ...] = ()) -> Field:
    """A string of at most `max_chars` characters, one of `choices` if there are any."""

    def read(name: str, packed: Map, _: Map) -> str:
        value = checked_text(name, packed.get(name), max_chars)
        if choices and value not in choices:
            raise DecodeError(name, f"{value!r:.40} is not one of {', '.join(choices)}")
        return value

    return Field(
        "text", read, limits="" if max_chars == MAX_NAME_CHARS else f"at most {max_chars} characters"
    )


def stream_id() -> Field:
    """The id of a stream."""

    def read(name: str, packed: Map, _: Map) -> str:
        value = checked_text(name, packed.get(name))
        if not STREAM_ID.match(value):
            raise DecodeError(name, f"{value!r:.80} is not {STREAM_ID_RULE}")
        return value

    return Field("text", read)


def binary(max_bytes: int = MAX_MESSAGE_BYTES) -> Field:
    """At most `max_bytes` bytes."""

    def read(name: str, packed: Map, _: Map) -> bytes:
        value = packed.get(name)
        if type(value) is not bytes:
            raise DecodeError(name, not_a(value, "binary"))
        if len(value) > max_bytes:
            raise DecodeError(name, f"{len(value)} bytes are over the limit of {max_bytes}")
        return value

    return Field("binary", read, limits=f"at most {max_bytes // 1024**2} MiB")


def texts() -> Field:
    """A list of strings."""

    def read(name: str, packed: Map, _: Map) -> tuple[str, ...]:
        return tuple(checked_text(name, item) for item in _items(name, packed, MAX_NAMES))

    return Field("list", read)


def trace() -> Field:
    """The stages that a frame has passed: a list of [stage, clock] pairs."""

    def read(name: str, packed: Map, _: Map) -> Trace:
        pairs = []
        for item in _items(name, packed, MAX_TRACE):
            if not (isinstance(item, list) and len(item) == 2 and type(item[1]) is int):
                raise DecodeError(name, "holds something that is not a [stage, clock] pair")
            if not 0 <= item[1] <= MAX_INT:
                raise DecodeError(name, f"clock {item[1]} is not in 0..{MAX_INT}")
            pairs.append((checked_text(name, item[0]), item[1]))
        return tuple(pairs)

    return Field("list", read)


def named_ids() -> Field:
    """Names of ids from 0 to 65535: a list of [id, name] pairs, no id twice."""

    def read(name: str, packed: Map, _: Map) -> dict[int, str]:
        pairs: dict[int, str] = {}
        for item in _items(name, packed, MAX_NAMES):
            if not (isinstance(item, list) and len(item) == 2 and type(item[0]) is int):
                raise DecodeError(name, "holds something that is not an [id, name] pair")
            if not 0 <= item[0] <= 0xFFFF:
                raise DecodeError(name, f"id {item[0]} is not in 0..65535")
            if item[0] in pairs:
                raise DecodeError(name, f"id {item[0]} has two names")
            pairs[item[0]] = checked_text(name, item[1])
        return pairs

    return Field("list", read, lambda value: sorted(value.items()))


def counters() -> Field:
    """A map of names to integers from 0 up."""

    def read(name: str, packed: Map, _: Map) -> dict[str, int]:
        value = packed.get(name)
        if not isinstance(value, dict):
            raise DecodeError(name, not_a(value, "a map of counters"))
        for key, count in value.items():
            checked_text(name, key)
            if type(count) is not int or not 0 <= count <= MAX_INT:
                raise DecodeError(name, f"{key!r:.40} is {count!r:.40}, not a count in 0..{MAX_INT}")
        return value

    return Field("map", read, dict)


def maps(read_item: Callable[[Map], Any], write_item: Callable[[Any], Map], max_items: int) -> Field:
    """A list of maps, each with fields of its own."""

    def read(name: str, packed: Map, _: Map) -> tuple[Any, ...]:
        items = _items(name, packed, max_items)
        for item in items:
            if not isinstance(item, dict):
                raise DecodeError(name, f"holds {kind_of(item)}, not a map")
        return tuple(read_item(item) for item in items)

    return Field("list", read, lambda value: [write_item(item) for item in value], f"at most {max_items}")


Count = Annotated[int, integer()]
SidePx = Annotated[int, integer(1, MAX_SIDE_PX)]
Name = Annotated[str, text()]
Names = Annotated[tuple[str, ...], texts()]
StreamId = Annotated[str, stream_id()]


def _items(name: str, packed: Map, max_items: int) -> list[Any]:
    value = packed.get(name)
    if not isinstance(value, list):
        raise DecodeError(name, not_a(value, "a list"))
    if len(value) > max_items:
        raise DecodeError(name, f"{len(value)} items are over the limit of {max_items}")
    return value


def checked_text(name: str, value: object, max_chars: int = MAX_NAME_CHARS) -> str:
    """A value that is a string of at most `max_chars`; raises `DecodeError` for any other."""
    if type(value) is not str:
        raise DecodeError(name, not_a(value, "a string"))
    if len(value) > max_chars:
        raise DecodeError(name, f"{len(value)} characters are over the limit of {max_chars}")
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


def kind_of(value: object) -> str:
    """What an unpacked value is, in words."""
    return "nil" if value is None else _KINDS.get(type(value), "an extension type")


def not_a(value: object, wanted: str) -> str:
    """The reason for refusing a value of another type."""
    return "is missing" if value is None else f"is {kind_of(value)}, not {wanted}"

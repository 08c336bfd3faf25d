"""The first step with bytes from the wire: their size, and MessagePack without taking much memory."""

import itertools
from typing import Any, Final

import msgpack

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
MAX_NAMES: Final = 4096
MAX_ITEMS: Final = 16_384
_ALWAYS_SMALL_BYTES: Final = 64 * 1024


class DecodeError(ValueError):
    """Bytes that are not a valid message.

    Args:
        field: The field at fault, or "message" if it is the whole.
        reason: What is wrong with it.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def size_checked(data: bytes | None) -> bytes:
    """The record's value, if there is one and it is not over the limit; raises `DecodeError`."""
    if data is None:
        raise DecodeError("message", "is a record without a value (a tombstone)")
    if len(data) > MAX_MESSAGE_BYTES:
        raise DecodeError("message", f"{len(data)} bytes are over the limit of {MAX_MESSAGE_BYTES}")
    return data


def unpack(data: bytes) -> Any:
    """Unpack one MessagePack value that nobody vouches for.

    Lists and maps have at most MAX_NAMES items, and in a message over 64 KiB all together MAX_ITEMS.

    Raises:
        Exception: One of the many types that msgpack has for bytes that are no MessagePack.
    """
    limits = {"max_array_len": MAX_NAMES, "max_map_len": MAX_NAMES}
    if len(data) <= _ALWAYS_SMALL_BYTES:
        return msgpack.unpackb(data, raw=False, **limits)
    # An empty map is 1 byte in the message and 64 in Python, so 16 MiB of them would take over 1 GB.
    items = itertools.count(1)

    def counted(container: Any) -> Any:
        for _ in range(len(container) + 1):
            if next(items) > MAX_ITEMS:
                raise ValueError(f"lists and maps hold over {MAX_ITEMS} items")
        return container

    return msgpack.unpackb(data, raw=False, list_hook=counted, object_hook=counted, **limits)

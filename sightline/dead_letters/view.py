"""The bytes of a record for people."""

from typing import Any, Final

from schemas.unpacking import unpack

_WIDTH: Final = 16
_SHOWN_CHARS: Final = 100


def hexdump(data: bytes) -> str:
    """Offset, hexadecimal and text, 16 bytes a line."""
    lines = []
    for start in range(0, len(data), _WIDTH):
        part = data[start : start + _WIDTH]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:08x}  {part.hex(' '):<{3 * _WIDTH - 1}}  {text}")
    return "\n".join(lines)


def describe(data: bytes) -> str:
    """The fields of a message, one a line, as far as it can be read; long values are cut, arrays counted."""
    try:
        fields = unpack(data)
    except Exception as error:  # msgpack raises a dozen unrelated types; all mean the same here
        return f"{len(data)} bytes that are no MessagePack ({type(error).__name__}: {error!s:.100})"
    if not isinstance(fields, dict):
        return f"{len(data)} bytes of MessagePack: {_short(fields)}"
    return "\n".join(f"  {_short(name)}: {_short(value)}" for name, value in fields.items())


def _short(value: Any) -> str:
    if isinstance(value, bytes) and len(value) > _WIDTH:
        return f"{len(value)} bytes"
    text = repr(value) if not isinstance(value, str) else value
    printable = "".join(char if char.isprintable() else "�" for char in text[: _SHOWN_CHARS + 1])
    return printable if len(printable) <= _SHOWN_CHARS else f"{printable[:_SHOWN_CHARS]}…"

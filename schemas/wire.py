"""A message is a MessagePack map with full field names, which its class declares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self, get_type_hints

import msgpack

from schemas.fields import STREAM_ID as STREAM_ID
from schemas.fields import Count, Field, Map, Read, StreamId, Trace, Write, kind_of, trace
from schemas.unpacking import DecodeError as DecodeError
from schemas.unpacking import size_checked, unpack


class Struct:
    """A map whose fields the class declares, as `schemas.fields` says. Subclasses are dataclasses.

    Attributes:
        wire_fields: The declared fields by name, in the order in which they are packed.
    """

    wire_fields: ClassVar[Mapping[str, Field]]
    # The same, sorted out once, as each is walked for every message.
    _required: ClassVar[Sequence[tuple[str, Read]]]
    _conditional: ClassVar[Sequence[tuple[str, Field]]]
    _written: ClassVar[Sequence[tuple[str, Write | None, object]]]

    def __init_subclass__(cls) -> None:
        hints = get_type_hints(cls, include_extras=True)
        declared = ((name, getattr(hint, "__metadata__", (None,))[0]) for name, hint in hints.items())
        cls.wire_fields = {name: field for name, field in declared if isinstance(field, Field)}
        by_need = sorted(cls.wire_fields.items(), key=lambda item: not item[1].first)
        cls._required = [(name, field.read) for name, field in by_need if not field.conditional]
        cls._conditional = [(name, field) for name, field in by_need if field.conditional]
        cls._written = [(name, field.write, field.empty) for name, field in cls.wire_fields.items()]

    def to_map(self) -> dict[str, Any]:
        """The fields, ready to pack."""
        packed: dict[str, Any] = {}
        for name, write, empty in self._written:
            value = getattr(self, name)
            if value is not None and (empty is None or value != empty):
                packed[name] = value if write is None else write(value)
        for name, field in self._conditional:
            if field.only_with and field.only_with not in packed:
                packed.pop(name, None)
        return packed

    @classmethod
    def from_map(cls, packed: Map) -> Self:
        """Read and check what was unpacked; raises `DecodeError`."""
        known: dict[str, Any] = {}
        for name, read in cls._required:
            known[name] = read(name, packed, known)
        for name, field in cls._conditional:
            if packed.get(field.only_with or name) is not None:
                known[name] = field.read(name, packed, known)
        message = cls(**known)
        message.check()
        return message

    def check(self) -> None:
        """Refuse what the fields do not say alone, with `DecodeError`; called on what was read."""


class Message(Struct):
    """A record's value: a map whose field `version` is that of the topic. Subclasses are dataclasses."""

    version: ClassVar[int] = 1

    def to_bytes(self) -> bytes:
        """Pack the message."""
        packed: bytes = msgpack.packb({"version": self.version, **self.to_map()}, use_bin_type=True)
        return packed

    @classmethod
    def from_bytes(cls, data: bytes | None) -> Self:
        """Unpack and check; raises `DecodeError`. Arrays are read-only views of the message."""
        checked = size_checked(data)
        try:
            packed = unpack(checked)
        except Exception as error:  # msgpack raises a dozen unrelated types; all mean the same here
            raise DecodeError(
                "message", f"cannot be read as MessagePack ({type(error).__name__}: {error!s:.100})"
            ) from error
        if not isinstance(packed, dict):
            raise DecodeError("message", f"is {kind_of(packed)}, not a map")
        version = packed.get("version")
        if type(version) is not int or version != cls.version:
            raise DecodeError("version", f"is {version!r:.40}, this reader knows {cls.version}")
        return cls.from_map(packed)


_TRACE = trace()


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamMessage(Message):
    """What every message about a frame carries.

    Attributes:
        stream_id: The camera's sequence of frames: 1 to 64 of `A-Za-z0-9._-`, and not `.` or `..`.
        epoch: Rises each time a gateway starts the stream.
        seq: Rises by one for each captured frame, from 0; `(epoch, seq)` orders a stream.
        captured_at_ns: Event time in Unix nanoseconds.
        trace: Which stages the frame has passed, and when; its first entry is the capture by wall clock.
    """

    stream_id: StreamId
    epoch: Count
    seq: Count
    captured_at_ns: Count
    trace: Annotated[Trace, _TRACE] = ()

    @property
    def order(self) -> tuple[int, int]:
        """The frame's place in its stream."""
        return (self.epoch, self.seq)

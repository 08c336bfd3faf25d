"""`sightline.dead-letters.v1`: the original bytes of what could not be used; the why is in the headers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from schemas.fields import MAX_INT, STREAM_ID, STREAM_ID_RULE, Count, StreamId
from schemas.topics import STREAMS
from schemas.unpacking import MAX_MESSAGE_BYTES
from schemas.wire import DecodeError, Message

Headers = list[tuple[str, bytes]]

MAX_REASON_CHARS = 500
MAX_KEY_BYTES = 64 * 1024
HEAD_BYTES = 64 * 1024
"""What a letter keeps of a record over the limits: such a record cannot be used, however it is read."""

_TEXTS = ("reason", "stage", "topic")
_NUMBER = re.compile("[0-9]{1,19}")
_NUMBERS = ("partition", "offset", "at_ns")
_OPTIONAL_NUMBERS = ("epoch", "seq", "bytes")


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One record that a stage could not use.

    A broker limits what a record takes compressed: a few kilobytes can be a record that no topic takes
    unpacked. So a letter about a value over MAX_MESSAGE_BYTES, or a key over MAX_KEY_BYTES, keeps only the
    first HEAD_BYTES of either. Else the letter could not be stored, and its partition would stand still.

    Attributes:
        value: The record's bytes as they came, or their beginning.
        key: The record's key as it came, or its beginning.
        reason: Why it was refused, a sentence.
        stage: Which stage refused it.
        topic: Topic that it came from.
        partition: Partition that it came from.
        offset: Its offset there; with topic and partition the identity of the letter.
        at_ns: When it was refused, in Unix nanoseconds.
        stream_id: The frame's stream if that much could be read, else "".
        epoch: The frame's epoch, or None.
        seq: The frame's number, or None.
        size_bytes: How long the record's value was, if the letter does not hold the whole record; else None.
    """

    value: bytes
    key: bytes | None
    reason: str
    stage: str
    topic: str
    partition: int
    offset: int
    at_ns: int
    stream_id: str = ""
    epoch: int | None = None
    seq: int | None = None
    size_bytes: int | None = None

    def __post_init__(self) -> None:
        key_fits = self.key is None or len(self.key) <= MAX_KEY_BYTES
        if len(self.value) > MAX_MESSAGE_BYTES or not key_fits:
            cut = {
                "size_bytes": len(self.value),
                "value": self.value[:HEAD_BYTES],
                "key": None if self.key is None else self.key[:HEAD_BYTES],
            }
            for name, value in cut.items():
                object.__setattr__(self, name, value)  # as a frozen dataclass's own __init__ does

    @classmethod
    def about(
        cls,
        key: bytes | None,
        value: bytes,
        *,
        reason: str,
        stage: str,
        topic: str,
        partition: int,
        offset: int,
        at_ns: int,
    ) -> "DeadLetter":
        """A letter about a record, with as much of its frame's identity as can be read.

        A record that breaks one rule mostly still says which frame it is. Where it does not, its key says
        whose it was.
        """
        stream_id, epoch, seq = _identity(value) or (_stream_of(key, topic), None, None)
        return cls(
            value=value,
            key=key,
            reason=reason,
            stage=stage,
            topic=topic,
            partition=partition,
            offset=offset,
            at_ns=at_ns,
            stream_id=stream_id,
            epoch=epoch,
            seq=seq,
        )

    @property
    def is_whole(self) -> bool:
        """Whether the letter holds the record as it came."""
        return self.size_bytes is None

    def headers(self) -> Headers:
        """The Kafka headers: UTF-8 texts, numbers as decimal digits."""
        texts: dict[str, str] = {
            "reason": self.reason[:MAX_REASON_CHARS],
            "stage": self.stage,
            "topic": self.topic,
            "partition": str(self.partition),
            "offset": str(self.offset),
            "at_ns": str(self.at_ns),
        }
        if self.stream_id:
            texts["stream_id"] = self.stream_id
        if self.epoch is not None and self.seq is not None:
            texts |= {"epoch": str(self.epoch), "seq": str(self.seq)}
        if self.size_bytes is not None:
            texts["bytes"] = str(self.size_bytes)
        return [(name, text.encode(errors="backslashreplace")) for name, text in texts.items()]

    @classmethod
    def from_record(
        cls, key: bytes | None, value: bytes, headers: Iterable[tuple[str, bytes]]
    ) -> "DeadLetter":
        """Read a record of the topic; raises `DecodeError` if its headers are not ours."""
        try:
            texts = {name: raw.decode() for name, raw in headers if raw is not None}
        except UnicodeDecodeError as error:
            raise DecodeError("headers", "are not UTF-8") from error
        for name in (*_TEXTS, *_NUMBERS):
            if name not in texts:
                raise DecodeError(name, "is missing from the headers")
        for name in (*_NUMBERS, *_OPTIONAL_NUMBERS):
            if name in texts and not (_NUMBER.fullmatch(texts[name]) and int(texts[name]) <= MAX_INT):
                raise DecodeError(name, f"{texts[name]!r:.40} is not a number in 0..{MAX_INT}")
        if texts.get("stream_id") and not STREAM_ID.match(texts["stream_id"]):
            raise DecodeError("stream_id", f"{texts['stream_id']!r:.80} is not {STREAM_ID_RULE}")
        numbers = {name: int(texts[name]) for name in (*_NUMBERS, *_OPTIONAL_NUMBERS) if name in texts}
        return cls(
            value=value,
            key=key,
            reason=texts["reason"],
            stage=texts["stage"],
            topic=texts["topic"],
            partition=numbers["partition"],
            offset=numbers["offset"],
            at_ns=numbers["at_ns"],
            stream_id=texts.get("stream_id", ""),
            epoch=numbers.get("epoch"),
            seq=numbers.get("seq"),
            size_bytes=numbers.get("bytes"),
        )


@dataclass(frozen=True, kw_only=True)
class _FrameIdentity(Message):
    """What a message about a frame says of its identity, whatever is wrong with the rest of it."""

    stream_id: StreamId
    epoch: Count
    seq: Count


def _identity(value: bytes) -> tuple[str, int, int] | None:
    try:
        found = _FrameIdentity.from_bytes(value)
    except DecodeError:
        return None
    return found.stream_id, found.epoch, found.seq


def _stream_of(key: bytes | None, topic: str) -> str:
    """The stream that a record's key names, or "". The key of a status names the stage too."""
    text = (key or b"").decode("ascii", errors="replace")
    if topic == STREAMS.name:
        text = text.partition("/")[0]
    return text if STREAM_ID.match(text) else ""

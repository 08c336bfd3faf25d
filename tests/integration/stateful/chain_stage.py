"""A stage whose outputs depend on the whole history of a key: a lost or doubled step shows for ever."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.wire import DecodeError
from sightline.stateful import Output

_MESSAGE = struct.Struct("<4sqq")
_STATE = struct.Struct("<qqqI")


def message(epoch: int, seq: int, payload: bytes = b"") -> bytes:
    return _MESSAGE.pack(b"chn1", epoch, seq) + payload


@dataclass(frozen=True)
class Link:
    epoch: int
    seq: int
    payload: bytes


@dataclass(frozen=True)
class Chain:
    count: int
    epoch: int
    seq: int
    digest: int


@dataclass(frozen=True)
class ChainStage:
    input_topic: str
    output_topic: str
    name: str = "chain"
    fail_at: int = -1  # a bug for the tests: the step raises at this sequence number

    @property
    def output_topics(self) -> Sequence[str]:
        return (self.output_topic,)

    def decode(self, key: bytes, value: bytes) -> Link:
        if len(value) < _MESSAGE.size or value[:4] != b"chn1":
            raise DecodeError("message", "is no link")
        _, epoch, seq = _MESSAGE.unpack_from(value)
        return Link(epoch, seq, value[_MESSAGE.size :])

    def order(self, message: Link) -> tuple[int, int]:
        return message.epoch, message.seq

    def step(self, state: Chain | None, message: Link) -> tuple[Chain, Sequence[Output]]:
        if message.seq == self.fail_at:
            raise RuntimeError("a bug in the step")
        count, digest = (0, 0) if state is None else (state.count, state.digest)
        digest = zlib.crc32(_MESSAGE.pack(b"chn1", message.epoch, message.seq) + message.payload, digest)
        after = Chain(count + 1, message.epoch, message.seq, digest)
        return after, (Output(self.output_topic, self.encode_state(after)),)

    def encode_state(self, state: Chain) -> bytes:
        return _STATE.pack(state.count, state.epoch, state.seq, state.digest)

    def decode_state(self, data: bytes) -> Chain:
        return Chain(*_STATE.unpack(data))

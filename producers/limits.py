"""What readers and broker take: checked here, before anything is published that none of them would use."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import cv2
import numpy as np

from producers.sources import Image
from schemas.fields import MAX_SIDE_PX
from schemas.topics import ALL, Topic
from schemas.unpacking import MAX_MESSAGE_BYTES
from schemas.wire import DecodeError
from sightline.vision.jpeg import DEFAULT_LIMITS, encode_jpeg

OVERHEAD_BYTES: Final = 1024
"""What a broker counts beside a record's value: the batch's header (61), the record's (36), its key (64)."""

LOWEST_QUALITY: Final = 50
_QUALITIES: Final = (75, 60, LOWEST_QUALITY)
_SHARES: Final = (1 / 2, 1 / 4)
_REDUCED_QUALITY: Final = 75


class FrameRefusedError(Exception):
    """A frame that nobody would take.

    Args:
        reason: What it is counted as dropped for.
        why: What is wrong with it, for people, without a full stop.
    """

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(reason, why)
        self.reason = reason
        self.why = why


class SizeLimits:
    """The largest value that each topic takes; any thread may call any method.

    Args:
        broker_bytes: The broker's `max.message.bytes` by topic, where it told it.
    """

    def __init__(self, broker_bytes: Mapping[str, int] | None = None) -> None:
        told = broker_bytes or {}
        self._most = {topic.name: self._of(topic, told.get(topic.name)) for topic in ALL}

    def most_bytes(self, topic: str) -> int:
        """Longest value for a topic, in bytes."""
        return self._most[topic]

    def learn(self, topic: str, refused_bytes: int) -> None:
        """The broker has refused a value of this length, though it is within what was thought its limit."""
        self._most[topic] = min(self._most[topic], refused_bytes * 3 // 4)

    @staticmethod
    def _of(topic: Topic, broker_bytes: int | None) -> int:
        # What is over the topic's own limit is refused once the topics are set right.
        taken = (
            topic.max_message_bytes if broker_bytes is None else min(topic.max_message_bytes, broker_bytes)
        )
        return max(0, min(MAX_MESSAGE_BYTES, taken - OVERHEAD_BYTES))


class Reductions:
    """How many frames of each stream were published with less than was asked for, as all was too much."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frames: Counter[str] = Counter()

    def count(self, stream_id: str) -> None:
        """One more."""
        with self._lock:
            self._frames[stream_id] += 1

    def frames(self, stream_id: str) -> int:
        """How many so far."""
        with self._lock:
            return self._frames[stream_id]


def check_size(image: Image) -> tuple[int, int]:
    """Width and height of a picture that a message can be about; raises `FrameRefusedError`."""
    height, width = image.shape[:2]
    if not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX):
        raise FrameRefusedError(
            "over_limit", f"its picture of {width}x{height} has a side that is not in 1..{MAX_SIDE_PX} pixels"
        )
    return width, height


def check_readable(value: bytes, read: Callable[[bytes], object]) -> None:
    """Read a message as its readers will; raises `FrameRefusedError` where they would refuse it."""
    try:
        read(value)
    except DecodeError as error:
        raise FrameRefusedError("over_limit", f"its message has a bad {error}") from error


def first_that_fits(values: Iterable[bytes], most_bytes: int) -> tuple[int, bytes]:
    """The first of some messages that is not too long, and which one it is; raises `FrameRefusedError`."""
    least: int | None = None
    for number, value in enumerate(values):
        if len(value) <= most_bytes:
            return number, value
        least = len(value) if least is None else min(least, len(value))
    raise FrameRefusedError("too_large", f"it takes {least} bytes at least, and the limit is {most_bytes}")


def jpegs(image: Image, quality: int) -> Iterator[bytes]:
    """A picture as JPEG, and then again with less: lower quality down to 50, half and a quarter of its sides.

    A picture of more pixels than infer takes begins with as many as it does take. Boxes come back in pixels
    of the frame whatever the JPEG's size is. Raises `ImageError`.
    """
    height, width = image.shape[:2]
    share = (DEFAULT_LIMITS.max_pixels / (width * height)) ** 0.5
    picture = _scaled(image, share) if too_many_pixels(width, height) else image
    for each in (quality, *(lower for lower in _QUALITIES if lower < quality)):
        yield encode_jpeg(picture, each)
    for smaller in _SHARES:
        yield encode_jpeg(_scaled(picture, smaller), min(quality, _REDUCED_QUALITY))


def too_many_pixels(width: int, height: int) -> bool:
    """Whether infer refuses a JPEG of this size."""
    return width * height > DEFAULT_LIMITS.max_pixels


def _scaled(image: Image, share: float) -> Image:
    height, width = image.shape[:2]
    size = (max(1, int(width * share)), max(1, int(height * share)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

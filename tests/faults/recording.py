"""A recorded load: what gateways publish, the same bytes each time, packed by code of its own.

Detection streams `d0` to `d5` and video streams `v0`, `v1`, ten frames a second each. `d4` has a clock that
jumps back an hour, `d5` has frames in the wrong order and all of them twice in places. Midnight is in the
middle, so that a batch of the writer is more than one insert for each table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import msgpack
import numpy as np

DETECTIONS = "sightline.detections.v1"
FRAMES = "sightline.frames.v1"
DETECTION_STREAMS = ("d0", "d1", "d2", "d3", "d4", "d5")
VIDEO_STREAMS = ("v0", "v1")

FRAME_NS = 100_000_000
MIDNIGHT_NS = 20_700 * 86_400 * 10**9
START_NS = MIDNIGHT_NS - 100 * FRAME_NS
HOUR_NS = 3_600 * 10**9
CLOCK_JUMP_AT = 45
EPOCH = 7
PICTURES = 60
_WIDTH, _HEIGHT = 640, 360
_NAMES = [[0, "car"], [1, "truck"], [2, "person"]]
_LIFE = 60  # frames that an object stays


@dataclass(frozen=True)
class Sent:
    """One record of the load."""

    topic: str
    stream: str
    value: bytes


def captured_at_ns(stream: str, seq: int) -> int:
    jumped = stream == "d4" and seq >= CLOCK_JUMP_AT
    return START_NS + seq * FRAME_NS - (HOUR_NS if jumped else 0)


def records(stream: str, stream_id: str, first: int, last: int) -> Iterator[tuple[int, Sent]]:
    """What the gateway of a stream sends for frames first to last - 1, with the frame each is sent at."""
    topic = DETECTIONS if stream in DETECTION_STREAMS else FRAMES
    for seq in range(first, last):
        yield from ((seq, Sent(topic, stream_id, message(stream, stream_id, n))) for n in _order(stream, seq))


def _order(stream: str, seq: int) -> tuple[int, ...]:
    """Which frames are sent when it is time for this one."""
    if stream != "d5":
        return (seq,)
    phase = seq % 20
    if phase == 8:
        return (seq + 1, seq)  # the wrong way round
    if phase == 9:
        return ()
    if phase == 17:
        return tuple(range(seq - 5, seq + 1))  # as a gateway does that is not sure what arrived
    return (seq, seq) if phase == 3 else (seq,)


def message(stream: str, stream_id: str, seq: int) -> bytes:
    at_ns = captured_at_ns(stream, seq)
    fields = {
        "version": 1,
        "stream_id": stream_id,
        "epoch": EPOCH,
        "seq": seq,
        "captured_at_ns": at_ns,
        "trace": [["capture", at_ns], ["publish", at_ns + 5_000_000]],
        "width": _WIDTH,
        "height": _HEIGHT,
    }
    if stream in DETECTION_STREAMS:
        return _pack(fields | _detections(DETECTION_STREAMS.index(stream), seq))
    number = (seq + 17 * VIDEO_STREAMS.index(stream)) % PICTURES
    return _pack(fields | {"jpeg": picture(number)})


def _detections(stream: int, seq: int) -> dict:
    """Objects that come, cross the picture and go; some are missed, some are taken for something else."""
    rng = np.random.default_rng([stream, seq])
    boxes, scores, class_ids, looks, shares = [], [], [], [], []
    for number in range(max(0, seq // 12 - _LIFE // 12), seq // 12 + 1):
        age = seq - 12 * number
        if not 0 <= age < _LIFE or rng.random() < 0.12:
            continue
        own = np.random.default_rng([stream, 1, number])
        kind, way = int(own.integers(3)), 1 if own.random() < 0.5 else -1
        x = (age / _LIFE if way > 0 else 1 - age / _LIFE) * (_WIDTH - 80)
        y = 20 + 45 * (number % 7) + rng.normal(0, 1.5)
        x += rng.normal(0, 1.5)
        boxes.append([x, y, x + 60 + 10 * kind, y + 40])
        scores.append(rng.uniform(0.4, 0.95))
        class_ids.append(kind if rng.random() < 0.9 else (kind + 1) % 3)
        look = own.normal(size=8) + rng.normal(0, 0.2, 8)
        looks.append(look / np.linalg.norm(look))
        share = np.full(3, 0.15)
        share[kind if rng.random() < 0.8 else (kind + 1) % 3] = 0.7
        shares.append(share)
    if rng.random() < 0.1:
        x, y = rng.uniform(0, 500), rng.uniform(0, 300)
        boxes.append([x, y, x + 30, y + 30])
        scores.append(0.2)
        class_ids.append(2)
        looks.append(np.zeros(8))
        shares.append(np.full(3, 1 / 3))
    return {
        "boxes": np.array(boxes, "<f4").tobytes(),
        "scores": np.array(scores, "<f4").tobytes(),
        "class_ids": np.array(class_ids, "<u2").tobytes(),
        "labels": "recorded",
        "names": _NAMES,
        "embeddings": np.array(looks, "<f2").tobytes(),
        "probabilities": np.array(shares, "<f4").tobytes(),
        "attributes": ["car", "truck", "person"],
    }


@lru_cache(maxsize=PICTURES)
def picture(number: int) -> bytes:
    """A red car and a blue one drive over a grey road."""
    image = np.full((180, 320, 3), 90, np.uint8)
    for top, colour, left in ((80, (40, 40, 220), 4 * number), (130, (220, 60, 40), 280 - 4 * number)):
        cv2.rectangle(image, (left, top), (left + 31, top + 15), colour, -1)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def _pack(fields: dict) -> bytes:
    return msgpack.packb(fields, use_bin_type=True)

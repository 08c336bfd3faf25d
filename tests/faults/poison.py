"""Records that no stage can use, each with the reason for which it is bad."""

import os
import zlib

import msgpack
import numpy as np

from tests.faults.recording import DETECTIONS, FRAMES, message

TRACKS = "sightline.tracks.v1"
CLASSIFICATIONS = "sightline.classifications.v1"
STREAMS = "sightline.streams.v1"
READ_TOPICS = (FRAMES, DETECTIONS, TRACKS, CLASSIFICATIONS, STREAMS)

_EVERYWHERE: dict[str, bytes] = {
    "random bytes": b"\xc1" + bytes(range(200)),
    "empty": b"",
    "a list": msgpack.packb([1, 2, 3]),
    "deep MessagePack": b"\x91" * 5000 + b"\xc0",
    "a map that promises more": b"\xdf\xff\xff\xff\xff",
    "many empty maps": b"\xdc\xff\xff" + b"\x80" * 65_535,
    "another version": msgpack.packb({"version": 2, "stream_id": "p"}),
    "no version": msgpack.packb({"stream_id": "p"}),
    "a stream id with a slash": msgpack.packb({"version": 1, "stream_id": "a/b", "epoch": 1, "seq": 1}),
    "a sequence number below zero": msgpack.packb({"version": 1, "stream_id": "p", "epoch": 1, "seq": -1}),
}
"""By the name of what is wrong; the reader of any topic must refuse them."""


def poison(topic: str, stream_id: str) -> dict[str, bytes]:
    """Bad records for a topic; those with a stream in them belong to this one."""
    found = dict(_EVERYWHERE)
    if topic in (FRAMES, DETECTIONS):
        good = message("v0" if topic == FRAMES else "d0", stream_id, 40)
        found["truncated"] = good[: len(good) // 2]
        found["one byte too many"] = good + b"\x00"
        found["20 MiB of zeros that lz4 makes small"] = bytes(20 << 20)
    if topic == FRAMES:
        fields = msgpack.unpackb(message("v0", stream_id, 41))
        found["a JPEG that is cut"] = msgpack.packb(fields | {"jpeg": fields["jpeg"][:300]})
        found["no JPEG at all"] = msgpack.packb(fields | {"jpeg": os.urandom(300)})
        found["a JPEG bomb"] = msgpack.packb(
            fields | {"jpeg": _jpeg_that_claims_a_huge_picture(fields["jpeg"])}
        )
        found["a picture of no size"] = msgpack.packb(fields | {"width": 0})
    if topic == DETECTIONS:
        fields = msgpack.unpackb(message("d0", stream_id, 42))
        nan = np.array([[np.nan, 0, 1, 1]], "<f4").tobytes()
        found["a box that is no number"] = msgpack.packb(fields | {"boxes": nan})
        found["boxes without scores"] = msgpack.packb(fields | {"scores": b""})
        found["a compressed picture as boxes"] = msgpack.packb(fields | {"boxes": zlib.compress(bytes(999))})
    return found


def _jpeg_that_claims_a_huge_picture(jpeg: bytes) -> bytes:
    """The same JPEG with 65500 by 65500 in its header: 12 GB when decoded."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + (65_500).to_bytes(2, "big") * 2 + jpeg[at + 4 :]

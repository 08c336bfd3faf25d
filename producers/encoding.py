"""Turns a captured frame into the message that is published."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from producers.limits import (
    Reductions,
    SizeLimits,
    check_readable,
    check_size,
    first_that_fits,
    jpegs,
    too_many_pixels,
)
from producers.local_detector import DetectorLike
from producers.sources import Image
from producers.truth import FrameTruth
from schemas.detections import Detections
from schemas.fields import Trace
from schemas.frames import MAX_JPEG_BYTES, Frame
from schemas.topics import DETECTIONS, FRAMES

ClockNs = Callable[[], int]
"""The wall clock, in Unix nanoseconds."""


@dataclass(frozen=True)
class Grabbed:
    """One captured frame with its identity.

    Attributes:
        stream_id: The stream.
        epoch: Its start.
        seq: The frame's number in it.
        captured_at_ns: Event time, Unix nanoseconds.
        grabbed_at_ns: Wall clock when it came out of the source, Unix nanoseconds.
        image: uint8 (height, width, 3), BGR.
        truth: What is in it, where the source knows.
    """

    stream_id: str
    epoch: int
    seq: int
    captured_at_ns: int
    grabbed_at_ns: int
    image: Image
    truth: FrameTruth | None = None


Encode = Callable[[Grabbed], bytes]
"""Makes the message's bytes; raises `FrameRefusedError`, `ImageError` or `SightlineError`."""


def frame_encoder(
    quality: int, clock_ns: ClockNs, limits: SizeLimits | None = None, reductions: Reductions | None = None
) -> Encode:
    """JPEG frames for `sightline.frames.v1`.

    Args:
        quality: Of the JPEG, 1..100.
        clock_ns: Stamps when the message goes to the producer.
        limits: What the broker takes. A JPEG that is too large is made again with less, see `jpegs`.
        reductions: Counts the frames of which that is so.
    """
    limits, reductions = limits or SizeLimits(), reductions or Reductions()

    def encode(grabbed: Grabbed) -> bytes:
        width, height = check_size(grabbed.image)
        frame = Frame(
            stream_id=grabbed.stream_id,
            epoch=grabbed.epoch,
            seq=grabbed.seq,
            captured_at_ns=grabbed.captured_at_ns,
            trace=_trace(grabbed, clock_ns),
            width=width,
            height=height,
            jpeg=b"",
        )
        envelope = len(frame.to_bytes()) + 8  # and the length of the JPEG
        most_bytes = min(MAX_JPEG_BYTES, limits.most_bytes(FRAMES.name) - envelope)
        less, jpeg = first_that_fits(jpegs(grabbed.image, quality), most_bytes)
        value = replace(frame, jpeg=jpeg, trace=_trace(grabbed, clock_ns)).to_bytes()
        check_readable(value, Frame.from_bytes)
        if less or too_many_pixels(width, height):
            reductions.count(grabbed.stream_id)
        return value

    return encode


def detection_encoder(
    detector: DetectorLike,
    clock_ns: ClockNs,
    limits: SizeLimits | None = None,
    reductions: Reductions | None = None,
) -> Encode:
    """Detections for `sightline.detections.v1`; the streams of a gateway take turns with its one detector.

    Args:
        detector: Looks at the pictures.
        clock_ns: Stamps when the message goes to the producer.
        limits: What the broker takes. A message that is too large goes without what the appearance network
            said: tracks can do with motion alone.
        reductions: Counts the frames of which that is so.
    """
    turn = threading.Lock()
    labels = detector.spec.labels
    attributes = detector.appearance.attributes if detector.appearance else ()
    limits, reductions = limits or SizeLimits(), reductions or Reductions()

    def encode(grabbed: Grabbed) -> bytes:
        width, height = check_size(grabbed.image)
        with turn:
            (found,) = detector.detect([grabbed.image])
        whole = Detections(
            stream_id=grabbed.stream_id,
            epoch=grabbed.epoch,
            seq=grabbed.seq,
            captured_at_ns=grabbed.captured_at_ns,
            trace=_trace(grabbed, clock_ns),
            width=width,
            height=height,
            boxes=found.boxes,
            scores=found.scores,
            class_ids=found.class_ids,
            labels=detector.spec.labels_version,
            names={class_id: labels[class_id] for class_id in set(found.class_ids.tolist())},
            embeddings=found.embeddings,
            probabilities=found.probabilities,
            attributes=attributes,
        )
        plain = replace(whole, embeddings=None, probabilities=None, attributes=())
        values = (each.to_bytes() for each in (whole, plain))
        less, value = first_that_fits(values, limits.most_bytes(DETECTIONS.name))
        check_readable(value, Detections.from_bytes)
        if less:
            reductions.count(grabbed.stream_id)
        return value

    return encode


def _trace(grabbed: Grabbed, clock_ns: ClockNs) -> Trace:
    return (("capture", grabbed.grabbed_at_ns), ("publish", clock_ns()))

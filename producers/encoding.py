"""Turns a captured frame into the message that is published."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from producers.local_detector import DetectorLike
from producers.sources import Image
from producers.truth import FrameTruth
from schemas.detections import Detections
from schemas.frames import Frame
from sightline.vision.jpeg import encode_jpeg

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
"""Makes the message's bytes; raises `ImageError` or `SightlineError`."""


def frame_encoder(quality: int, clock_ns: ClockNs) -> Encode:
    """JPEG frames for `sightline.frames.v1`.

    Args:
        quality: Of the JPEG, 1..100.
        clock_ns: Stamps when the message goes to the producer.
    """

    def encode(grabbed: Grabbed) -> bytes:
        height, width = grabbed.image.shape[:2]
        jpeg = encode_jpeg(grabbed.image, quality)
        return Frame(
            stream_id=grabbed.stream_id,
            epoch=grabbed.epoch,
            seq=grabbed.seq,
            captured_at_ns=grabbed.captured_at_ns,
            trace=(("capture", grabbed.grabbed_at_ns), ("publish", clock_ns())),
            width=width,
            height=height,
            jpeg=jpeg,
        ).to_bytes()

    return encode


def detection_encoder(detector: DetectorLike, clock_ns: ClockNs) -> Encode:
    """Detections for `sightline.detections.v1`; the streams of a gateway take turns with its one detector."""
    turn = threading.Lock()
    labels = detector.spec.labels
    attributes = detector.appearance.attributes if detector.appearance else ()

    def encode(grabbed: Grabbed) -> bytes:
        height, width = grabbed.image.shape[:2]
        with turn:
            (found,) = detector.detect([grabbed.image])
        return Detections(
            stream_id=grabbed.stream_id,
            epoch=grabbed.epoch,
            seq=grabbed.seq,
            captured_at_ns=grabbed.captured_at_ns,
            trace=(("capture", grabbed.grabbed_at_ns), ("publish", clock_ns())),
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
        ).to_bytes()

    return encode

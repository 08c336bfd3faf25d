"""A batch of JPEGs to detections, where one bad JPEG never harms its neighbours."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.appearance import AppearanceSpec
from sightline.vision.detector import Detected
from sightline.vision.jpeg import DEFAULT_LIMITS, ImageError, JpegLimits, decode_jpeg, read_size

Image = NDArray[np.uint8]
Map = Callable[[Callable[[bytes], Image | ImageError], Iterable[bytes]], Iterable[Image | ImageError]]
"""The built-in `map`, or an executor's."""

MAX_DECODED_PIXELS = 64_000_000
"""Pictures decoded at once have together at most this many pixels, unless one alone has more: 192 MB."""


class Detects(Protocol):
    """What finds objects in pictures, such as a `Recognizer`."""

    def detect(self, images: Sequence[Image]) -> list[Detected]:
        """See `Detector.detect`."""
        ...


@dataclass(frozen=True)
class Analysis:
    """What came of one JPEG.

    Attributes:
        detected: What was found; nothing if there is an error.
        width: The picture's width in pixels, 0 if there is an error.
        height: The picture's height in pixels, 0 if there is an error.
        error: Why there is no result, a short phrase; empty if all is well.
    """

    detected: Detected
    width: int
    height: int
    error: str = ""


def analyze(
    jpegs: Sequence[bytes], detector: Detects, decode_map: Map = map, limits: JpegLimits = DEFAULT_LIMITS
) -> list[Analysis]:
    """Decode and analyze JPEGs, as many in one detector run as memory allows.

    Args:
        jpegs: The JPEGs.
        detector: Finds objects.
        decode_map: Maps the decoder over JPEGs; give an executor's to decode in threads.
        limits: What a JPEG may be.

    Returns:
        One result per JPEG, in the same order; a bad JPEG gives one with an error.
    """
    results: dict[int, Analysis] = {}
    decodable: list[tuple[int, int]] = []
    for index, jpeg in enumerate(jpegs):
        try:
            width, height = read_size(jpeg, limits)
        except ImageError as error:
            results[index] = failed(error.reason)
        else:
            decodable.append((index, width * height))
    for group in _groups(decodable):
        pictures: dict[int, Image] = {}
        decoded = decode_map(partial(_decode, limits=limits), [jpegs[index] for index in group])
        for index, image in zip(group, decoded, strict=True):
            if isinstance(image, ImageError):
                results[index] = failed(image.reason)
            else:
                pictures[index] = image
        results.update(zip(pictures, _detect(list(pictures.values()), detector), strict=True))
    return [results[index] for index in range(len(jpegs))]


def failed(reason: str) -> Analysis:
    """Make the result of a JPEG that gives none."""
    nothing = Detected(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.uint16))
    return Analysis(nothing, 0, 0, reason)


def pack(analyses: Sequence[Analysis], appearance: AppearanceSpec | None = None) -> dict[str, NDArray[Any]]:
    """Lay results side by side in arrays, filled up with zeros to the largest count, which is at least 1.

    Args:
        analyses: The results.
        appearance: The network that looked at the detections; None if none did.

    Returns:
        For B results and a largest count of M: `boxes` float32 (B, M, 4), `scores` float32 (B, M),
        `class_ids` uint16 (B, M), `count` int32 (B, 1), `size` int32 (B, 2) as width and height, and
        `status`, bytes objects (B, 1): the error in UTF-8, empty if all is well. With an appearance network
        also `embeddings` float16 (B, M, D) and `probabilities` float32 (B, M, C).
    """
    batch = len(analyses)
    # A tensor with no elements is a special case in every library on the way; one of zeros is not.
    most = max([1, *(len(analysis.detected.scores) for analysis in analyses)])
    arrays: dict[str, NDArray[Any]] = {
        "boxes": np.zeros((batch, most, 4), np.float32),
        "scores": np.zeros((batch, most), np.float32),
        "class_ids": np.zeros((batch, most), np.uint16),
        "count": np.zeros((batch, 1), np.int32),
        "size": np.zeros((batch, 2), np.int32),
        "status": np.empty((batch, 1), np.object_),
    }
    if appearance is not None:
        arrays["embeddings"] = np.zeros((batch, most, appearance.embedding_width), np.float16)
        arrays["probabilities"] = np.zeros((batch, most, len(appearance.attributes)), np.float32)
    for row, analysis in enumerate(analyses):
        detected = analysis.detected
        count = len(detected.scores)
        arrays["boxes"][row, :count] = detected.boxes
        arrays["scores"][row, :count] = detected.scores
        arrays["class_ids"][row, :count] = detected.class_ids
        if detected.embeddings is not None:
            arrays["embeddings"][row, :count] = detected.embeddings
        if detected.probabilities is not None:
            arrays["probabilities"][row, :count] = detected.probabilities
        arrays["count"][row] = count
        arrays["size"][row] = analysis.width, analysis.height
        arrays["status"][row, 0] = analysis.error.encode()
    return arrays


def _decode(jpeg: bytes, limits: JpegLimits) -> Image | ImageError:
    try:
        return decode_jpeg(jpeg, limits)
    except ImageError as error:
        return error


def _groups(sizes: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Cut (index, pixels) pairs into runs that have at most `MAX_DECODED_PIXELS` together."""
    group: list[int] = []
    total = 0
    for index, pixels in sizes:
        if group and total + pixels > MAX_DECODED_PIXELS:
            yield group
            group, total = [], 0
        group.append(index)
        total += pixels
    if group:
        yield group


def _detect(images: Sequence[Image], detector: Detects) -> list[Analysis]:
    """Detect in one run; if the model fails on it, in one run each, so that one picture fails alone."""
    try:
        found = detector.detect(images)
    except SightlineError as error:
        if len(images) == 1:
            return [failed(f"cannot be analyzed: {error.what}")]
        return [result for image in images for result in _detect([image], detector)]
    return [
        Analysis(detected, image.shape[1], image.shape[0])
        for detected, image in zip(found, images, strict=True)
    ]

"""JPEG in and out, with limits that are checked before a pixel is decoded.

OpenCV cannot be trusted with a broken JPEG: depending on its version, a truncated one gives no picture, a
picture that is grey from there on, or one with rows of an earlier picture in memory. So the file's markers
are walked first (ITU-T T.81, annex B): the size it declares, its number of scans, and that it has its end.
Data that is damaged in the middle but ends well still decodes, wrong from there on; no header tells.
"""

import re
import struct
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


class ImageError(Exception):
    """These bytes are not a picture that we take; `reason` is a short phrase such as `truncated JPEG`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class JpegLimits:
    """What a JPEG may be at most.

    Attributes:
        max_bytes: Its length in bytes.
        max_pixels: Its width times its height; the default is 8K.
        max_side_px: Its longer side.
        max_scans: Its number of scans: a progressive file of few bytes can demand hundreds of passes.
    """

    max_bytes: int = 16 * 1024 * 1024
    max_pixels: int = 7680 * 4320
    max_side_px: int = 16_384
    max_scans: int = 64


DEFAULT_LIMITS = JpegLimits()

_START, _END, _START_OF_SCAN = 0xD8, 0xD9, 0xDA
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_DHT, _JPG, _DAC = 0xC4, 0xC8, 0xCC  # inside the range of frame markers, but none
_NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""In coded data 0xff is followed by 0, by a restart marker, by a fill byte, or ends the data."""


def read_size(data: bytes, limits: JpegLimits = DEFAULT_LIMITS) -> tuple[int, int]:
    """Walk a JPEG's markers without decoding it.

    Returns:
        Width and height in pixels, as the file declares them.

    Raises:
        ImageError: Not a JPEG, truncated, over a limit, or of a kind that is not supported.
    """
    if len(data) > limits.max_bytes:
        raise ImageError("too many bytes")
    if not data.startswith(b"\xff\xd8\xff"):
        raise ImageError("no JPEG")
    size: tuple[int, int] | None = None
    scans, at = 0, 2
    while True:
        marker, at = _next_marker(data, at)
        if marker == _END:
            if size is None or scans == 0:
                raise ImageError("JPEG without a picture")
            return size
        body = _segment(data, at)
        at += 2 + len(body)
        if marker == _START_OF_SCAN:
            scans += 1
            if scans > limits.max_scans:
                raise ImageError("too many scans")
            at = _end_of_scan(data, at)
        elif 0xC0 <= marker <= 0xCF and marker not in (_DHT, _JPG, _DAC):
            if size is not None:
                raise ImageError("JPEG with two frames")
            size = _frame_size(marker, body, limits)


def decode_jpeg(data: bytes, limits: JpegLimits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Decode a JPEG.

    The picture has the size that the frame declares: an orientation in its EXIF data is ignored, as boxes are
    in the pixels that the camera sent.

    Returns:
        The picture, uint8 (height, width, 3), BGR.

    Raises:
        ImageError: See `read_size`; or the decoder gives up.
    """
    width, height = read_size(data, limits)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error as error:
        raise ImageError("corrupt JPEG") from error
    if image is None or image.shape != (height, width, 3):
        raise ImageError("corrupt JPEG")
    return np.asarray(image, dtype=np.uint8)


def encode_jpeg(image: NDArray[np.uint8], quality: int = 90) -> bytes:
    """Encode a picture, uint8 (height, width, 3) in BGR or (height, width) in grey.

    Args:
        image: The picture.
        quality: 1..100.

    Raises:
        ImageError: The encoder refuses the picture.
    """
    try:
        done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise ImageError("cannot be encoded") from error
    if not done:
        raise ImageError("cannot be encoded")
    return encoded.tobytes()


def _next_marker(data: bytes, at: int) -> tuple[int, int]:
    """Read the marker at `at`, after any fill bytes; returns it and the position behind it."""
    if at >= len(data):
        raise ImageError("truncated JPEG")
    if data[at] != 0xFF:
        raise ImageError("corrupt JPEG")
    while at < len(data) and data[at] == 0xFF:
        at += 1
    if at >= len(data):
        raise ImageError("truncated JPEG")
    marker = data[at]
    if marker == 0 or marker == _START or 0xD0 <= marker <= 0xD7:
        raise ImageError("corrupt JPEG")
    return marker, at + 1


def _segment(data: bytes, at: int) -> bytes:
    if at + 2 > len(data):
        raise ImageError("truncated JPEG")
    (length,) = struct.unpack_from(">H", data, at)
    if length < 2:
        raise ImageError("corrupt JPEG")
    if at + length > len(data):
        raise ImageError("truncated JPEG")
    return data[at + 2 : at + length]


def _end_of_scan(data: bytes, at: int) -> int:
    found = _NEXT_MARKER.search(data, at)
    if found is None:
        raise ImageError("truncated JPEG")
    return found.start()


def _frame_size(marker: int, body: bytes, limits: JpegLimits) -> tuple[int, int]:
    if marker not in (_BASELINE, _EXTENDED, _PROGRESSIVE):
        raise ImageError("unsupported kind of JPEG")
    if len(body) < 6:
        raise ImageError("corrupt JPEG")
    bits, height, width, components = struct.unpack_from(">BHHB", body)
    if bits != 8 or components not in (1, 3, 4):
        raise ImageError("unsupported kind of JPEG")
    if width == 0 or height == 0:
        raise ImageError("JPEG of no size")
    if max(width, height) > limits.max_side_px or width * height > limits.max_pixels:
        raise ImageError("too many pixels")
    return width, height

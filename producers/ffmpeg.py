"""Opens FFmpeg, as OpenCV brings it, so that it gives all the pictures that it can."""

import os
import threading
from collections.abc import Sequence
from typing import Final

import cv2

OPEN_TIMEOUT_S: Final = 5.0
SILENCE_TIMEOUT_S: Final = 5.0

_PICTURE_TIMEOUT_S: Final = 60.0
_LONG_PROBE_S: Final = 60
_LONG_PROBE_BYTES: Final = 100_000_000
_OPTIONS_NAME: Final = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
# The network's time-out is for a connection without any data; OpenCV's own is for a picture, and a camera
# whose next key frame comes in ten seconds is not lost. Keys that a file does not know are ignored.
_OPTIONS: Final = f"rtsp_flags;prefer_tcp|timeout;{SILENCE_TIMEOUT_S * 1e6:.0f}"
_ANY_NUMBER: Final = "1000000000"

# FFmpeg's options are one environment variable for the process, so only one may change them at a time.
_changing_options = threading.Lock()


def prepare_ffmpeg() -> None:
    """Set what FFmpeg and OpenCV read from the environment when the first video is opened; what is set stays.

    They keep off the terminal, as what they say is no help to a user, and look for the next picture however
    many packets of sound come before it. Each is opened for itself; OpenCV would let all others wait for one
    that does not answer.
    """
    # Another level counts for nothing: at those that tell more FFmpeg writes addresses, passwords included.
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
    os.environ.pop("OPENCV_FFMPEG_DEBUG", None)
    os.environ.setdefault("OPENCV_FFMPEG_READ_ATTEMPTS", _ANY_NUMBER)
    os.environ.setdefault("OPENCV_FFMPEG_IS_THREAD_SAFE", "1")
    os.environ.setdefault(_OPTIONS_NAME, _OPTIONS)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def open_file(path: str) -> cv2.VideoCapture:
    """Open a file for its pictures; the caller checks `isOpened`."""
    return _open_with_size(path, [cv2.CAP_PROP_READ_TIMEOUT_MSEC, 0])


def open_packets(path: str) -> cv2.VideoCapture:
    """Open a file for the encoded pictures in it, which are grabbed without being decoded."""
    prepare_ffmpeg()
    return cv2.VideoCapture(
        path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 0]
    )


def open_capture(address: str) -> cv2.VideoCapture:
    """Connect to an address; the caller checks `isOpened`.

    Opening does not block for ever. Reading gives up after `SILENCE_TIMEOUT_S` without data, or after a
    minute in which data came and no picture.
    """
    read_timeout_ms = int(_PICTURE_TIMEOUT_S * 1000)
    # Frame threads would each hold a frame back.
    parameters = [cv2.CAP_PROP_READ_TIMEOUT_MSEC, read_timeout_ms, cv2.CAP_PROP_N_THREADS, 1]
    return _open_with_size(address, parameters, timeout_s=OPEN_TIMEOUT_S)


def has_size(capture: cv2.VideoCapture) -> bool:
    """Whether the size of the pictures is known; if it was not at the opening OpenCV gives none of them."""
    return bool(capture.get(cv2.CAP_PROP_FRAME_WIDTH) > 0 and capture.get(cv2.CAP_PROP_FRAME_HEIGHT) > 0)


def _open_with_size(
    where: str, parameters: Sequence[int], timeout_s: float | None = None
) -> cv2.VideoCapture:
    """Open; once more, and with a longer look, where the first look found no picture's size.

    That is so where a stream begins between key frames, and the next is further away than the look reaches.
    """
    prepare_ffmpeg()
    capture = cv2.VideoCapture(where, cv2.CAP_FFMPEG, [*parameters, *_timeout(timeout_s)])
    if not capture.isOpened() or has_size(capture):
        return capture
    capture.release()
    longer_s = None if timeout_s is None else timeout_s + _LONG_PROBE_S
    with _changing_options:
        before = os.environ[_OPTIONS_NAME]
        os.environ[_OPTIONS_NAME] = (
            f"{before}|analyzeduration;{_LONG_PROBE_S * 1_000_000}|probesize;{_LONG_PROBE_BYTES}"
        )
        try:
            return cv2.VideoCapture(where, cv2.CAP_FFMPEG, [*parameters, *_timeout(longer_s)])
        finally:
            os.environ[_OPTIONS_NAME] = before


def _timeout(timeout_s: float | None) -> list[int]:
    return [] if timeout_s is None else [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(timeout_s * 1000)]

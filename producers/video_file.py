"""Video files: every frame, in order, as fast as it is taken."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from producers.sources import Picture
from producers.timeline import Timeline, sane_fps
from sightline.errors import SightlineError

_MIN_MISSING_S: Final = 0.5
_MISSING_SHARE: Final = 0.01


def quiet_ffmpeg() -> None:
    """Keep FFmpeg and OpenCV from writing to the terminal; what they say is no help to a user.

    FFmpeg's level is read from the environment when the first video is opened. Another one that is set there
    counts for nothing: at those that tell more FFmpeg writes addresses, passwords included.
    """
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
    os.environ.pop("OPENCV_FFMPEG_DEBUG", None)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)


class VideoFile:
    """A video that ends: a file, or one behind an http:// address.

    Args:
        capture: Opened.
        name: What to call it in messages.
    """

    live = False
    own_clock = True
    legend = None

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self._capture = capture
        self._name = name
        self.fps = sane_fps(capture.get(cv2.CAP_PROP_FPS))
        self.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        # OpenCV derives the count from the length where the header has none, so their quotient is the length.
        count, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        self.promised_s = count / fps if count > 0 and fps > 0 else 0.0
        self.message = ""

    def pictures(self, stop: threading.Event) -> Iterator[Picture]:
        """Every frame of the file.

        Raises:
            SightlineError: It has no frame that can be decoded.
        """
        timeline, count, last_ns = Timeline(self.fps), 0, 0
        while not stop.is_set():
            read, image = self._capture.read()
            if not read or image is None:
                break
            last_ns = timeline.next_ns(self._capture.get(cv2.CAP_PROP_POS_MSEC))
            yield Picture(count, last_ns, np.asarray(image, dtype=np.uint8))
            count += 1
        else:
            return
        if count == 0:
            raise SightlineError(
                f"The video {self._name} holds no frame that can be decoded.",
                "Check the file with a player; it may be cut off or of a codec that FFmpeg lacks here.",
            )
        self.message = self._early_end(count, last_ns / 1e9)

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def _early_end(self, count: int, last_s: float) -> str:
        end_s = last_s * count / max(count - 1, 1)  # the last frame lasts as long as the others
        if self.promised_s - end_s <= max(_MIN_MISSING_S, _MISSING_SHARE * self.promised_s):
            return ""
        return (
            f"The video ended early: {count} frames, {end_s:.1f} s of the {self.promised_s:.1f} s that its "
            "header promises."
        )


def open_video_file(path: Path) -> VideoFile:
    """Open a video file.

    Raises:
        SightlineError: It is missing, empty, a folder or not a video; says which.
    """
    _check_file(path)
    quiet_ffmpeg()
    # An absolute path, lest FFmpeg takes "name:rest" for a protocol.
    capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        capture.release()
        raise SightlineError(f"The file {path} is not a video that can be read: {_why_not(path)}.", _FIX)
    return VideoFile(capture, str(path))


_FIX = "Give a whole video file, such as MP4, MKV, AVI or MPEG-TS."


def _check_file(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:  # OpenCV would end the process
        raise SightlineError(
            f"The name of the video file {path} is no UTF-8.", "Rename it, or give a link to it."
        ) from error
    try:
        if path.is_dir():
            raise SightlineError(f"The source {path} is a folder, not a video file.", "Name a file in it.")
        if not path.exists():
            raise SightlineError(f"There is no video file {path}.", "Check the path.")
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise SightlineError(
            f"The video file {path} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    if not start:
        raise SightlineError(f"The video file {path} is empty.", _FIX)
    # FFmpeg would draw a text as a moving picture, and follow the addresses in a playlist.
    if _is_text(start):
        raise SightlineError(f"The file {path} is a text, not a video.", _FIX)


def _is_text(start: bytes) -> bool:
    text = start.decode("utf-8", errors="ignore")
    controls = sum(not (each.isprintable() or each in "\t\r\n\x1b\f") for each in text)
    return len(text.encode()) >= len(start) - 3 and controls == 0


def _why_not(path: Path) -> str:
    """The likely reason, from the file's own structure."""
    boxes = _mp4_boxes(path)
    if boxes and boxes[0] == b"ftyp" and b"moov" not in boxes:
        return "it is an MP4 whose index (moov) is missing, so it was cut off or never finished"
    return "its format or codec is not known, or its beginning is damaged"


def _mp4_boxes(path: Path, most: int = 64) -> list[bytes]:
    """Types of the top-level boxes of an ISO base media file (ISO/IEC 14496-12, 4.2)."""
    boxes: list[bytes] = []
    end = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at + 8 <= end and len(boxes) < most:
            file.seek(at)
            header = file.read(16)
            size = int.from_bytes(header[:4])
            if size == 1:
                size = int.from_bytes(header[8:16])
            boxes.append(header[4:8])
            if size < 8:
                break
            at += size
    return boxes

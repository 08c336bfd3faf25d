"""Live sources: cameras behind an address, and files that are played at their own rate."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import cv2
import numpy as np

from producers.sources import Picture, Source
from producers.timeline import sane_fps
from producers.video_file import quiet_ffmpeg
from sightline.addresses import ENCODE, parse_address
from sightline.errors import SightlineError
from sightline.redaction import shown

OPEN_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 5.0

_LOG = logging.getLogger(__name__)


def open_capture(address: str) -> cv2.VideoCapture:
    """Connect to an address; the caller checks `isOpened`. Neither opening nor reading blocks for ever."""
    quiet_ffmpeg()
    options = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        int(OPEN_TIMEOUT_S * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        int(READ_TIMEOUT_S * 1000),
        # Frame threads would each hold a frame back.
        cv2.CAP_PROP_N_THREADS,
        1,
    ]
    return cv2.VideoCapture(address, cv2.CAP_FFMPEG, options)


class Camera:
    """A camera behind an address. When it is lost it is opened again and again, after a pause.

    Args:
        address: rtsp:// or http://.
        reconnect_delay_s: The pause before it is opened again.
        capture: Opened already, for the first connection.
        connect: How to open it again.
        monotonic: Seconds on a steady clock.
    """

    live = True
    own_clock = False
    legend = None

    def __init__(
        self,
        address: str,
        reconnect_delay_s: float,
        capture: cv2.VideoCapture,
        *,
        connect: Callable[[str], cv2.VideoCapture] = open_capture,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._delay_s = reconnect_delay_s
        self._capture = capture
        self._connect = connect
        self._monotonic = monotonic
        self.fps = sane_fps(capture.get(cv2.CAP_PROP_FPS))
        self.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.message = ""

    def pictures(self, stop: threading.Event) -> Iterator[Picture]:
        """Frames as they arrive, over any number of connections."""
        index, first_s = 0, 0.0
        last_ns = -1
        while not stop.is_set():
            read, image = self._capture.read()
            if not read or image is None:
                self._reconnect(stop)
                continue
            now_s = self._monotonic()
            first_s = now_s if index == 0 else first_s
            last_ns = max(last_ns + 1, round((now_s - first_s) * 1e9))
            yield Picture(index, last_ns, np.asarray(image, dtype=np.uint8))
            index += 1

    def close(self) -> None:
        """Hang up."""
        self._capture.release()

    def _reconnect(self, stop: threading.Event) -> None:
        name = shown(self._address)
        self.message = f"The camera {name} was lost; it is opened again every {self._delay_s:g} s."
        _LOG.warning("%s", self.message)
        while not stop.wait(self._delay_s):
            self._capture.release()
            self._capture = self._connect(self._address)
            if self._capture.isOpened():
                self.message = ""
                _LOG.info("The camera %s is back.", name)
                return


def open_camera(address: str, reconnect_delay_s: float, capture: cv2.VideoCapture) -> Camera:
    """A camera on an opened connection.

    Raises:
        SightlineError: The connection is none: nobody answers, the path or the password is wrong.
    """
    if not capture.isOpened():
        capture.release()
        parts = parse_address(address)
        host = parts.host if parts is not None and parts.host else "it"
        hint = f" {ENCODE}" if parts is not None and parts.guessed else ""
        raise SightlineError(
            f"The camera {shown(address)} cannot be opened: {host} does not answer, or refuses "
            "the path, the user or the password.",
            f"Try the address in a player such as VLC or ffplay.{hint}",
        )
    return Camera(address, reconnect_delay_s, capture)


class Paced:
    """Plays a source at its own rate, as if it were a camera: who is slow misses frames.

    Args:
        source: What to play; its timestamps say when each frame is due.
        monotonic: Seconds on a steady clock.
    """

    live = True

    def __init__(self, source: Source, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._monotonic = monotonic
        self.fps, self.width, self.height = source.fps, source.width, source.height
        self.own_clock, self.legend = source.own_clock, source.legend

    @property
    def message(self) -> str:
        """What the source says."""
        return self._source.message

    def pictures(self, stop: threading.Event) -> Iterator[Picture]:
        """The source's frames, none before it is due."""
        start_s: float | None = None
        for picture in self._source.pictures(stop):
            now_s = self._monotonic()
            start_s = now_s if start_s is None else start_s
            early_s = start_s + picture.timestamp_ns / 1e9 - now_s
            if early_s > 0 and stop.wait(early_s):
                return
            yield picture

    def close(self) -> None:
        """Close the source."""
        self._source.close()

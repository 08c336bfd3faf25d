"""Live sources: cameras behind an address, and files that are played at their own rate."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import cv2
import numpy as np

from producers.ffmpeg import SILENCE_TIMEOUT_S, open_capture
from producers.sources import Gap, Picture, Source
from producers.timeline import sane_fps
from sightline.addresses import ENCODE, parse_address
from sightline.errors import SightlineError
from sightline.redaction import shown

_NO_PICTURE_S: Final = 10.0
_WAITED_S: Final = 0.002
_END_READS: Final = 200
# What came while the connection was opened is there at once. Taken as fast as it can be decoded, much of it
# would be overtaken before it is encoded.
_BURST_INTERVAL_S: Final = 0.01

_LOG = logging.getLogger(__name__)


class _Failures:
    """Tells a connection that is lost from pictures that cannot be decoded, which OpenCV does not.

    Reads of a connection that has ended fail at once, again and again. What cannot be decoded had to be
    waited for, or pictures that can be decoded come behind it.

    Args:
        now_s: Seconds on a steady clock.
    """

    def __init__(self, now_s: float) -> None:
        self._last_good_s = now_s
        self._failed = 0
        self._waited = 0  # of these, those that waited for a packet
        self._at_once = 0  # of these, how many came last and waited for nothing

    def picture(self, now_s: float) -> int:
        """One came; returns how many before it could not be decoded."""
        undecoded, self._last_good_s = self._failed, now_s
        self._failed = self._waited = self._at_once = 0
        return undecoded

    def failure(self, took_s: float, now_s: float) -> int | None:
        """A read failed after `took_s`.

        Returns:
            None if the connection may still be good. Otherwise it is lost, or of no use as nothing that it
            brings can be decoded: how many pictures failed since the last good one, as far as is known.
        """
        self._failed += 1
        waited = took_s >= _WAITED_S
        self._waited += waited
        self._at_once = 0 if waited else self._at_once + 1
        if took_s >= SILENCE_TIMEOUT_S * 0.9 or self._at_once >= _END_READS:
            return max(0, self._waited - 1)  # the last one waited for the end
        return self._waited if now_s - self._last_good_s > _NO_PICTURE_S else None


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
        self._undecoded = 0  # over this connection
        self.fps = sane_fps(capture.get(cv2.CAP_PROP_FPS))
        self.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.message = ""

    def pictures(self, stop: threading.Event) -> Iterator[Picture | Gap]:
        """Frames as they arrive, over any number of connections, and gaps for what cannot be decoded."""
        index, first_s, last_ns = 0, 0.0, -1
        burst_interval_s = min(_BURST_INTERVAL_S, 1 / (4 * self.fps))
        failures = _Failures(self._monotonic())
        while not stop.is_set():
            begun_s = self._monotonic()
            read, image = self._capture.read()
            now_s = self._monotonic()
            came = read and image is not None
            undecoded = failures.picture(now_s) if came else failures.failure(now_s - begun_s, now_s)
            if undecoded:
                yield self._gap(undecoded)
            if came:
                first_s = now_s if index == 0 else first_s
                last_ns = max(last_ns + 1, round((now_s - first_s) * 1e9))
                yield Picture(index, last_ns, np.asarray(image, dtype=np.uint8))
                index += 1
                stop.wait(max(0.0, now_s + burst_interval_s - self._monotonic()))
            elif undecoded is not None:
                self._reconnect(stop)
                failures = _Failures(self._monotonic())

    def close(self) -> None:
        """Hang up."""
        self._capture.release()

    def _gap(self, count: int) -> Gap:
        if not self._undecoded:
            _LOG.warning("The camera %s sends pictures that cannot be decoded.", shown(self._address))
        self._undecoded += count
        return Gap(count)

    def _reconnect(self, stop: threading.Event) -> None:
        name = shown(self._address)
        bad = f" after {self._undecoded} pictures that could not be decoded" if self._undecoded else ""
        self._undecoded = 0
        self.message = f"The camera {name} was lost{bad}; it is opened again every {self._delay_s:g} s."
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

    def pictures(self, stop: threading.Event) -> Iterator[Picture | Gap]:
        """The source's frames, none before it is due."""
        start_s: float | None = None
        for picture in self._source.pictures(stop):
            if isinstance(picture, Gap):
                yield picture
                continue
            now_s = self._monotonic()
            start_s = now_s if start_s is None else start_s
            early_s = start_s + picture.timestamp_ns / 1e9 - now_s
            if early_s > 0 and stop.wait(early_s):
                return
            yield picture

    def close(self) -> None:
        """Close the source."""
        self._source.close()

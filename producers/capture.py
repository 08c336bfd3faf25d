"""Opens what a stream's `source` setting names."""

import threading
from pathlib import Path

import cv2

from producers.camera import Paced, open_camera
from producers.ffmpeg import open_capture
from producers.sources import Source
from producers.video_file import VideoFile, open_video_file
from sightline.redaction import shown
from sightline.stream_names import check_source, is_synthetic


def open_source(
    text: str,
    *,
    realtime: bool = False,
    reconnect_delay_s: float = 2.0,
    open_tries: int = 1,
    stop: threading.Event | None = None,
) -> Source:
    """Open a source of frames.

    Args:
        text: A video file's path, an rtsp:// or http:// address, or `synthetic:KIND` with options (see
            docs/cameras.md). A video behind an http:// address that has an end is read like a file.
        realtime: Play a file at its own rate, dropping what is late.
        reconnect_delay_s: Pause before a camera is opened again.
        open_tries: How often a camera is tried at first; 0 is for ever. Once it was there it is for ever.
        stop: Ends the wait for a camera.

    Raises:
        SightlineError: It cannot be opened; says why and what to do.
    """
    if is_synthetic(text):
        # Imported here: a gateway with real cameras needs no renderer.
        from producers.synthetic.options import open_synthetic

        drawn, live = open_synthetic(text)
        return Paced(drawn) if live else drawn
    check_source(text)
    if "://" not in text:
        file: Source = open_video_file(Path(text))
        return Paced(file) if realtime else file
    return _open_address(text, realtime, reconnect_delay_s, open_tries, stop or threading.Event())


def _open_address(
    address: str, realtime: bool, reconnect_delay_s: float, tries: int, stop: threading.Event
) -> Source:
    capture = open_capture(address)
    tried = 1
    while not capture.isOpened() and tried != tries and not stop.wait(reconnect_delay_s):
        capture.release()
        capture = open_capture(address)
        tried += 1
    finite = capture.isOpened() and capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0
    if finite and not address.lower().startswith("rtsp"):
        video = VideoFile(capture, shown(address))
        return Paced(video) if realtime else video
    return open_camera(address, reconnect_delay_s, capture)

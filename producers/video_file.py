"""Video files: every frame that can be decoded, in order, and how many could not be."""

import math
import threading
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from producers.ffmpeg import open_file, open_packets
from producers.file_facts import NO_FACTS, FileFacts, count_blocks, read_file_facts
from producers.packets import Packets, count_lost, read_packets
from producers.sources import Gap, Picture
from producers.timeline import Timeline, sane_fps
from sightline.errors import SightlineError

_MIN_MISSING_S: Final = 0.5
_MISSING_SHARE: Final = 0.01
# So many failures in a row are the end, which OpenCV does not tell from a picture that cannot be decoded.
# Where the header promises more pictures than came it may take as many as are missing, within reason.
_END_READS: Final = 1000
_MAX_END_READS: Final = 20_000
_NO_COUNT: Final = 1 << 30  # FFmpeg writes it into an AVI whose count is not known yet

_WITHOUT_LENGTH: Final = ("MPEG-PS", "MPEG-TS", "Ogg")

_FIX: Final = "Give a whole video file, such as MP4, MKV, AVI or MPEG-TS."


class VideoFile:
    """A video that ends: a file, or one behind an http:// address.

    Args:
        capture: Opened.
        name: What to call it in messages.
        path: The file; None if it is behind an address.
        facts: What the file says about itself.
    """

    live = False
    own_clock = True
    legend = None

    def __init__(
        self,
        capture: cv2.VideoCapture,
        name: str,
        path: Path | None = None,
        facts: FileFacts = NO_FACTS,
    ) -> None:
        self._capture = capture
        self._name = name
        self._path = path
        self._facts = facts
        self._shown = array("q")  # the time of each picture that came out, in microseconds
        self._gaps = 0
        self.fps = sane_fps(capture.get(cv2.CAP_PROP_FPS))
        self.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        # OpenCV derives the count from the length where the header has none, so their quotient is the length.
        count, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        self._promised = int(count) if 0 < count < _NO_COUNT and fps > 0 else 0
        header_s = self._promised / fps if self._promised else 0.0
        self.promised_s = facts.video_s or header_s
        self.message = ""

    def pictures(self, stop: threading.Event) -> Iterator[Picture | Gap]:
        """Every frame of the file, and a gap for those that cannot be decoded.

        Raises:
            SightlineError: It has no frame that can be decoded.
        """
        timeline, failed, last_ns = Timeline(self.fps), 0, 0
        while failed < self._end_reads():
            if stop.is_set():
                return
            read, image = self._capture.read()
            if not read or image is None:
                failed += 1
                continue
            if failed:
                yield self._gap(failed)
                failed = 0
            position_ms = self._capture.get(cv2.CAP_PROP_POS_MSEC)
            last_ns = timeline.next_ns(position_ms)
            self._shown.append(round(position_ms * 1000) if math.isfinite(position_ms) else 0)
            yield Picture(len(self._shown) - 1, last_ns, np.asarray(image, dtype=np.uint8))
        packets = self._look_again(stop)
        if stop.is_set():
            return
        lost = self._lost(packets)
        if lost > self._gaps:
            yield self._gap(lost - self._gaps)
        if not self._shown:
            raise SightlineError(
                f"The video {self._name} holds no frame that can be decoded: {_why(packets)}.", _FIX
            )
        self.message = " ".join(
            each for each in (_undecoded(self._gaps, packets), self._early_end(last_ns / 1e9)) if each
        )

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def _gap(self, count: int) -> Gap:
        self._gaps += count
        return Gap(count)

    def _end_reads(self) -> int:
        return min(max(_END_READS, self._promised - len(self._shown)), _MAX_END_READS)

    def _look_again(self, stop: threading.Event) -> Packets | None:
        """Where not all came that was promised, what the file holds."""
        if self._path is None or (self._shown and not self._gaps and len(self._shown) >= self._promised):
            return None
        return read_packets(open_packets(str(self._path.absolute())), stop)

    def _lost(self, packets: Packets | None) -> int:
        shown, facts = len(self._shown), self._facts
        if facts.frames:
            return max(self._gaps, facts.frames - shown)
        lost = count_lost(packets, self._shown, self._gaps) if packets else self._gaps
        if self._path and facts.is_matroska and shown + lost < self._promised:
            # FFmpeg leaves out what it cannot make out of a damaged place.
            lost = max(lost, count_blocks(self._path) - shown)
        return lost

    def _early_end(self, last_s: float) -> str:
        count = len(self._shown)
        end_s = last_s * count / max(count - 1, 1)  # the last frame lasts as long as the others
        if self.promised_s - end_s <= max(_MIN_MISSING_S, _MISSING_SHARE * self.promised_s):
            return self._torn()
        early = (
            f"The video ended early: {count} frames, {end_s:.1f} s of the {self.promised_s:.1f} s that its "
            "header promises"
        )
        if self._path is None:
            return f"{early}, unless its sound is longer than its pictures."
        return f"{early}." if self._facts.is_broken else ""

    def _torn(self) -> str:
        """What can be said of a file that keeps its length, or promises none."""
        if self._facts.ends_in_packet:
            return "The file ends in the middle of a packet, so it was cut off there."
        fewer = self._facts.container in _WITHOUT_LENGTH or len(self._shown) + self._gaps < self._promised
        if self._facts.is_broken and fewer:
            return "The file is damaged in places or cut off; pictures may be missing."
        return ""


def open_video_file(path: Path) -> VideoFile:
    """Open a video file.

    Raises:
        SightlineError: It is missing, empty, a folder or not a video; says which.
    """
    _check_file(path)
    # An absolute path, lest FFmpeg takes "name:rest" for a protocol.
    capture, facts = open_file(str(path.absolute())), read_file_facts(path)
    if not capture.isOpened() or facts.sound_only:
        capture.release()
        raise SightlineError(f"The file {path} is not a video that can be read: {_why_not(facts)}.", _FIX)
    return VideoFile(capture, str(path), path, facts)


def _check_file(path: Path) -> None:
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


def _why_not(facts: FileFacts) -> str:
    """Why FFmpeg does not open it as a video."""
    if facts.sound_only:
        return "it holds sound and no video"
    if facts.video_codecs and facts.is_broken:
        return f"it is damaged or cut off, before a picture in it ({facts.video_codecs[0]})"
    if facts.video_codecs:
        return f"FFmpeg has no decoder for its pictures here ({facts.video_codecs[0]})"
    if facts.container == "MPEG-4":
        return "it is an MP4 whose index (moov) is missing, so it was cut off or never finished"
    if facts.container:
        return f"its format is {facts.container}, and no video is found in it; it is damaged or holds none"
    return "its format is not known, or its beginning is damaged"


def _why(packets: Packets | None) -> str:
    """Why none of its pictures can be decoded."""
    if packets is None or packets.count == 0:
        return "no picture is found in it; it is cut off, damaged, or holds none"
    if not packets.has_key:
        return f"none of its {packets.count} pictures is a key frame, with which decoding begins"
    return f"it is damaged, none of its {packets.count} pictures is whole"


def _undecoded(lost: int, packets: Packets | None) -> str:
    if not lost:
        return ""
    pictures = "1 picture" if lost == 1 else f"{lost} pictures"
    early = min(packets.before_key, lost) if packets else 0
    which = "as they come" if early == lost else f"{early} of them as they come"
    return f"{pictures} could not be decoded{f', {which} before the first key frame' if early else ''}."

"""The encoded pictures that a file holds, beside those that came out of the decoder."""

import threading
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2

_PATIENCE_READS: Final = 1000


@dataclass(frozen=True)
class Packets:
    """The encoded pictures of a file.

    Attributes:
        times: Presentation time of each, in microseconds.
        refused: How many could not even be taken out of the file as they were damaged.
        before_key: How many come before the first from which a decoder can start; all, if there is none.
        has_key: Whether there is one from which a decoder can start.
    """

    times: Sequence[int]
    refused: int
    before_key: int
    has_key: bool

    @property
    def count(self) -> int:
        """All of them."""
        return len(self.times) + self.refused


def read_packets(capture: cv2.VideoCapture, stop: threading.Event) -> Packets:
    """Go through a file that was opened for its packets, once; closes it."""
    times, refused, failed, grabbed = array("q"), 0, 0, 0
    before_key, has_key = 0, False
    while failed < _PATIENCE_READS and not stop.is_set():
        if not capture.grab():
            failed += 1
            continue
        refused += failed
        failed = 0
        grabbed += 1
        has_key = has_key or bool(capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME))
        before_key += not has_key
        times.append(round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1000))
    capture.release()
    return Packets(times, refused, before_key, has_key)


def count_lost(packets: Packets, shown: Iterable[int], failures: int) -> int:
    """How many pictures of a file were lost.

    A decoder tells of some failures and passes over others in silence: then the times of pictures that it
    should have shown are missing. One missing alone is no evidence, for it may be the second field of an
    interlaced picture or a frame that others refer to and that is never shown.

    Args:
        packets: What the file holds.
        shown: The times of the pictures that came out, in microseconds.
        failures: How often the decoder said that it failed.

    Returns:
        The number, 0 if nothing was lost.
    """
    shown_times = set(shown)
    silent = run = 0
    for time in sorted(set(packets.times)):
        run = 0 if time in shown_times else run + 1
        silent += (0, 0, 2)[run] if run <= 2 else 1
    return max(failures, silent + packets.refused)

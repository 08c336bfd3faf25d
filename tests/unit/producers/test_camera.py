"""Live sources without a network: cameras that come and go, and files played at their own rate."""

import threading
from typing import Any

import cv2
import numpy as np
import pytest

from producers.camera import Camera, Paced, open_camera
from producers.synthetic.flat import Scene, SyntheticCamera
from sightline.errors import SightlineError


class FakeCapture:
    """A connection that gives so many frames and is lost then."""

    def __init__(self, frames: int, opened: bool = True) -> None:
        self.left = frames
        self.opened = opened
        self.released = False

    def isOpened(self) -> bool:
        return self.opened

    def get(self, prop: int) -> float:
        return {cv2.CAP_PROP_FPS: 10.0}.get(prop, 0.0)

    def read(self) -> tuple[bool, Any]:
        self.left -= 1
        return (True, np.zeros((2, 2, 3), np.uint8)) if self.left >= 0 else (False, None)

    def release(self) -> None:
        self.released = True


def test_a_lost_camera_is_opened_again_and_its_frames_go_on() -> None:
    refused, back = FakeCapture(0, opened=False), FakeCapture(3)
    connections = [refused, back]
    first = FakeCapture(2)
    ticks = iter(range(100))
    messages = []
    camera = Camera(
        "rtsp://user:secret@cam/1",
        0.001,
        first,  # type: ignore[arg-type]  # has what is used of it
        connect=lambda address: connections.pop(0),  # type: ignore[arg-type, return-value]  # the same
        monotonic=lambda: next(ticks) / 10,
    )
    stop, found = threading.Event(), []
    for picture in camera.pictures(stop):
        found.append((picture.index, picture.timestamp_ns))
        messages.append(camera.message)
        if len(found) == 5:
            stop.set()
    assert found == [(index, index * 100_000_000) for index in range(5)]
    assert first.released
    assert refused.released
    assert messages == [""] * 5


def test_while_a_camera_is_away_it_says_so_without_its_password() -> None:
    stop = threading.Event()

    def connect(address: str) -> FakeCapture:
        stop.set()
        return FakeCapture(0, opened=False)

    camera = Camera("rtsp://user:secret@cam/1", 0.001, FakeCapture(0), connect=connect)  # type: ignore[arg-type]  # has what is used of it
    assert list(camera.pictures(stop)) == []
    assert "rtsp://***@cam/1 was lost" in camera.message


def test_a_camera_that_does_not_answer_is_a_clear_error_without_its_password() -> None:
    with pytest.raises(
        SightlineError, match=r"rtsp://\*\*\*@cam:554/1 cannot be opened: cam does not"
    ) as caught:
        open_camera("rtsp://user:se@cret@cam:554/1", 1.0, FakeCapture(0, opened=False))  # type: ignore[arg-type]  # has what is used of it
    assert "cret" not in str(caught.value)


def test_a_camera_behind_a_password_that_looks_unencoded_is_told_with_how_to_encode_it() -> None:
    with pytest.raises(SightlineError, match=r"10\.0\.0\.9 does not.*%2F for /") as caught:
        open_camera("rtsp://admin:12/34@10.0.0.9/1", 1.0, FakeCapture(0, opened=False))  # type: ignore[arg-type]  # has what is used of it
    assert "34" not in str(caught.value)


def test_a_played_file_gives_no_frame_before_it_is_due() -> None:
    waits: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            waits.append(timeout)
            return False

    played = Paced(
        SyntheticCamera(Scene(1, fps=10, frames=4)), monotonic=iter([0.0, 0.02, 0.3, 0.3]).__next__
    )
    assert played.live
    assert [picture.index for picture in played.pictures(Stop())] == [0, 1, 2, 3]
    # The third was late already and comes at once; the fourth is due now.
    assert waits == pytest.approx([0.08])


def test_a_stop_ends_the_wait_for_a_frame_that_is_not_due() -> None:
    stop = threading.Event()
    played = Paced(SyntheticCamera(Scene(1, fps=0.1)))
    pictures = played.pictures(stop)
    assert next(pictures).index == 0
    threading.Timer(0.05, stop.set).start()
    assert list(pictures) == []

"""Live sources without a network: cameras that come and go, and files played at their own rate."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from producers.camera import Camera, Paced, open_camera
from producers.capture import open_source
from producers.ffmpeg import SILENCE_TIMEOUT_S
from producers.sources import Gap, Picture
from producers.synthetic.flat import Scene, SyntheticCamera
from sightline.errors import SightlineError
from tests.unit.producers.small_videos import damage, matroska


class FakeCapture:
    """A connection that gives what its script says and is lost then.

    Letters: "p" a picture and "b" a bad one, each after 0.1 s; "P" and "B" the same that were there already;
    "s" nothing for as long as the network waits.
    """

    def __init__(self, script: str, opened: bool = True) -> None:
        self.script = list(script)
        self.opened = opened
        self.released = False
        self.clock: Clock | None = None

    def isOpened(self) -> bool:
        return self.opened

    def get(self, prop: int) -> float:
        return {cv2.CAP_PROP_FPS: 10.0}.get(prop, 0.0)

    def read(self) -> tuple[bool, Any]:
        letter = self.script.pop(0) if self.script else "B"
        if self.clock is not None:
            self.clock.now_s += {"s": SILENCE_TIMEOUT_S, "B": 0.0, "P": 0.0}.get(letter, 0.1)
        return (True, np.zeros((2, 2, 3), np.uint8)) if letter in "pP" else (False, None)

    def release(self) -> None:
        self.released = True


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def read_all(*scripts: str) -> tuple[list[int | Gap], list[int], list[str]]:
    """What a camera gives over these connections: indices and gaps, times in ms, and its messages."""
    clock = Clock()
    connections = [FakeCapture(script) for script in scripts]
    for connection in connections:
        connection.clock = clock
    stop = threading.Event()

    def connect(address: str) -> FakeCapture:
        messages.append(camera.message)
        if not connections:
            stop.set()
            return FakeCapture("", opened=False)
        return connections.pop(0)

    camera = Camera("rtsp://cam/1", 0.001, connections.pop(0), connect=connect, monotonic=clock)  # type: ignore[arg-type]  # has what is used of it
    messages: list[str] = []
    found: list[int | Gap] = []
    times_ms: list[int] = []
    for picture in camera.pictures(stop):
        found.append(picture if isinstance(picture, Gap) else picture.index)
        if not isinstance(picture, Gap):
            times_ms.append(picture.timestamp_ns // 1_000_000)
    return found, times_ms, messages


def test_a_lost_camera_is_opened_again_and_its_frames_go_on() -> None:
    found, times_ms, messages = read_all("pp", "ppp")
    assert found == [0, 1, 2, 3, 4]
    assert times_ms == [0, 100, 200, 300, 400]
    assert messages == ["The camera rtsp://cam/1 was lost; it is opened again every 0.001 s."] * 2


def test_a_camera_that_refuses_is_tried_again_and_its_old_connections_are_let_go() -> None:
    first, refused, back = FakeCapture("p"), FakeCapture("", opened=False), FakeCapture("p")
    connections = [refused, back]
    camera = Camera("rtsp://cam/1", 0.001, first, connect=lambda _: connections.pop(0))  # type: ignore[arg-type, return-value]  # has what is used of it
    stop = threading.Event()
    for picture in camera.pictures(stop):
        assert isinstance(picture, Picture)
        if picture.index == 1:
            stop.set()
    assert first.released
    assert refused.released
    assert not back.released


def test_pictures_that_cannot_be_decoded_are_gaps_and_no_lost_connection() -> None:
    found, times_ms, messages = read_all("ppbpBBpbb" + "p" * 3)
    assert found == [0, 1, Gap(1), 2, Gap(2), 3, Gap(2), 4, 5, 6]
    assert times_ms == [0, 100, 300, 400, 700, 800, 900]
    assert len(messages) == 1
    assert messages[0].startswith(
        "The camera rtsp://cam/1 was lost after 5 pictures that could not be decoded; it is opened again"
    )


def test_a_camera_that_brings_only_what_cannot_be_decoded_is_opened_again() -> None:
    found, _, messages = read_all("p" + "b" * 500, "p")
    assert found == [0, Gap(101), 1]
    assert "was lost after 101 pictures that could not be decoded" in messages[0]


def test_a_camera_that_falls_silent_is_lost() -> None:
    found, times_ms, messages = read_all("pps", "p")
    assert found == [0, 1, 2]
    assert times_ms == [0, 100, 5200]
    assert "was lost; it" in messages[0]


def test_what_failed_before_the_connection_ended_is_counted() -> None:
    # The last of the slow ones waited for the end, not for a picture.
    assert read_all("p" + "b" * 9)[0] == [0, Gap(8)]


def test_while_a_camera_is_away_it_says_so_without_its_password() -> None:
    stop = threading.Event()

    def connect(address: str) -> FakeCapture:
        stop.set()
        return FakeCapture("", opened=False)

    camera = Camera("rtsp://user:secret@cam/1", 0.001, FakeCapture(""), connect=connect)  # type: ignore[arg-type]  # has what is used of it
    assert list(camera.pictures(stop)) == []
    assert "rtsp://***@cam/1 was lost" in camera.message


def test_a_camera_that_does_not_answer_is_a_clear_error_without_its_password() -> None:
    with pytest.raises(
        SightlineError, match=r"rtsp://\*\*\*@cam:554/1 cannot be opened: cam does not"
    ) as caught:
        open_camera("rtsp://user:se@cret@cam:554/1", 1.0, FakeCapture("", opened=False))  # type: ignore[arg-type]  # has what is used of it
    assert "cret" not in str(caught.value)


def test_a_camera_behind_a_password_that_looks_unencoded_is_told_with_how_to_encode_it() -> None:
    with pytest.raises(SightlineError, match=r"10\.0\.0\.9 does not.*%2F for /") as caught:
        open_camera("rtsp://admin:12/34@10.0.0.9/1", 1.0, FakeCapture("", opened=False))  # type: ignore[arg-type]  # has what is used of it
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
    assert [picture.index for picture in played.pictures(Stop()) if isinstance(picture, Picture)] == [
        0,
        1,
        2,
        3,
    ]
    # The third was late already and comes at once; the fourth is due now.
    assert waits == pytest.approx([0.08])


def test_a_stop_ends_the_wait_for_a_frame_that_is_not_due() -> None:
    stop = threading.Event()
    played = Paced(SyntheticCamera(Scene(1, fps=0.1)))
    pictures = played.pictures(stop)
    assert isinstance(next(pictures), Picture)
    threading.Timer(0.05, stop.set).start()
    assert list(pictures) == []


def test_a_camera_over_http_goes_on_after_bad_pictures_until_it_hangs_up(tmp_path: Path) -> None:
    data = damage(matroska(tmp_path / "a.mkv", range(0, 3000, 100)), [10, 11, 20]).read_bytes()

    class Live(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    stop = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Live) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = open_source(f"http://127.0.0.1:{server.server_port}/", reconnect_delay_s=0.01, stop=stop)
        assert source.live
        found = [next(pictures) for pictures in [source.pictures(stop)] for _ in range(31)]
        stop.set()
        source.close()
        server.shutdown()
    assert [(at, each.count) for at, each in enumerate(found) if isinstance(each, Gap)] == [(10, 2), (19, 1)]
    # The last two came over the next connection.
    assert [each.index for each in found if isinstance(each, Picture)] == list(range(29))


def test_pictures_that_came_while_it_was_opened_are_taken_no_faster_than_they_can_be_encoded() -> None:
    clock, waits = Clock(), []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return False

    capture = FakeCapture("PPpp")
    capture.clock = clock
    camera = Camera("rtsp://cam/1", 0.001, capture, monotonic=clock)  # type: ignore[arg-type]  # has what is used of it
    pictures = camera.pictures(Stop())
    for _ in range(4):
        next(pictures)
    assert waits == pytest.approx([0.01, 0.01, 0.01])
    clock.now_s += 0.02  # its consumer takes its time
    capture.script.append("P")
    next(pictures)
    assert waits[3] == 0

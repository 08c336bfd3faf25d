"""Video files: every frame of a whole one, what there is of a cut one, and clear words about the rest."""

import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from producers.capture import open_source
from producers.sources import Picture, Source
from producers.video_file import VideoFile
from sightline.errors import SightlineError

BRIDGE = Path(__file__).parents[4] / "shared" / "data" / "video" / "bridge_traffic.mp4"
COUNT = 75


class NotFound(BaseHTTPRequestHandler):
    """A server that has nothing."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    "asked", [{"OPENCV_FFMPEG_LOGLEVEL": "48"}, {"OPENCV_FFMPEG_DEBUG": "1"}, {"OPENCV_VIDEOIO_DEBUG": "1"}]
)
def test_ffmpeg_tells_no_password_also_where_it_is_asked_to_talk(asked: dict[str, str]) -> None:
    server = HTTPServer(("127.0.0.1", 0), NotFound)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://admin:S3cr3T@127.0.0.1:{server.server_port}/flv?password=S3cr3T"
    code = "import sys; from producers.capture import open_source; open_source(sys.argv[1])"
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [sys.executable, "-c", code, address],
        env=environment | asked,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
    )
    server.shutdown()
    server.server_close()
    assert f"http://***@127.0.0.1:{server.server_port}/flv?password=*** cannot be opened" in done.stderr
    assert "S3cr3T" not in done.stdout + done.stderr


def write_video(path: Path, fourcc: str, count: int = COUNT) -> Path:
    """A video whose frame `i` has the brightness `3 i` all over."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*fourcc), 25, (64, 48))
    assert writer.isOpened()
    for index in range(count):
        writer.write(np.full((48, 64, 3), 3 * index, dtype=np.uint8))
    writer.release()
    return path


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    short = path.with_name("cut_" + path.name)
    short.write_bytes(data[: int(len(data) * share)])
    return short


def read(source: Source) -> list[Picture]:
    try:
        return list(source.pictures(threading.Event()))
    finally:
        source.close()


@pytest.mark.parametrize(("name", "fourcc"), [("a.avi", "MJPG"), ("a.mkv", "MJPG"), ("a.mp4", "mp4v")])
def test_a_whole_file_gives_every_frame_in_order_with_its_time(
    tmp_path: Path, name: str, fourcc: str
) -> None:
    source = open_source(str(write_video(tmp_path / name, fourcc)))
    assert (source.fps, source.width, source.height, source.live) == (25, 64, 48, False)
    pictures = read(source)
    assert [picture.index for picture in pictures] == list(range(COUNT))
    for picture in pictures:
        assert abs(float(picture.image.mean()) - 3 * picture.index) < 4
        assert abs(picture.timestamp_ns - picture.index * 40_000_000) < 1_000_000
    assert source.message == ""


@pytest.mark.parametrize(("name", "fourcc"), [("a.avi", "MJPG"), ("a.mkv", "MJPG")])
def test_a_cut_file_gives_the_frames_that_it_has_and_says_so(tmp_path: Path, name: str, fourcc: str) -> None:
    source = open_source(str(cut(write_video(tmp_path / name, fourcc), 0.6)))
    pictures = read(source)
    assert 30 <= len(pictures) <= 55
    assert [round(float(picture.image.mean()) / 3) for picture in pictures[:-1]] == list(
        range(len(pictures) - 1)
    )
    assert source.message.startswith(f"The video ended early: {len(pictures)} frames")
    assert "3.0 s" in source.message


def test_an_mp4_without_its_index_is_said_to_be_cut(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match=r"index \(moov\) is missing"):
        open_source(str(cut(write_video(tmp_path / "a.mp4", "mp4v"), 0.6)))


def test_a_real_video_whole_and_cut(tmp_path: Path) -> None:
    if not BRIDGE.exists():
        pytest.skip("the shared video bridge_traffic.mp4 is not here")
    whole = open_source(str(BRIDGE))
    pictures = read(whole)
    assert len(pictures) == 917
    assert whole.message == ""
    # The camera left frames out here and there, so its rate is not constant.
    steps = {
        round((after.timestamp_ns - before.timestamp_ns) / 1e6, 1) for before, after in pairwise(pictures)
    }
    assert steps == {16.7, 33.3}
    del pictures
    copy = shutil.copyfile(BRIDGE, tmp_path / "bridge.mp4")
    source = open_source(str(cut(Path(copy), 0.5)))
    short = read(source)
    assert 400 < len(short) < 500
    assert "of the 30.5 s that its header promises" in source.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"hello\n" * 1000, "is a text"),
        (b"#EXTM3U\nhttp://127.0.0.1:1/x.ts\n", "is a text"),
        (np.random.default_rng(1).bytes(20_000), "is not a video"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    with pytest.raises(SightlineError, match=said):
        open_source(str(path))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match="There is no video file"):
        open_source(str(tmp_path / "none.mp4"))
    with pytest.raises(SightlineError, match="is a folder"):
        open_source(str(tmp_path))


def test_a_video_without_a_frame_that_can_be_decoded_is_an_error() -> None:
    class Undecodable:
        def get(self, prop: int) -> float:
            return 25.0

        def read(self) -> tuple[bool, None]:
            return False, None

    video = VideoFile(Undecodable(), "a.avi")  # type: ignore[arg-type]  # has what is used of a capture
    with pytest.raises(SightlineError, match=r"a\.avi holds no frame"):
        list(video.pictures(threading.Event()))


def test_ffmpeg_says_nothing_on_the_terminal(tmp_path: Path) -> None:
    path = cut(write_video(tmp_path / "a.mp4", "mp4v"), 0.6)
    # A process of its own, as FFmpeg's level is set when its first video is opened.
    program = (
        "import sys\n"
        "from producers.capture import open_source\n"
        "from sightline.errors import SightlineError\n"
        "try: open_source(sys.argv[1])\n"
        "except SightlineError: sys.exit(7)\n"
    )
    answer = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, check=False)
    assert (answer.returncode, answer.stdout, answer.stderr) == (7, b"", b"")


def test_a_stop_ends_the_reading(tmp_path: Path) -> None:
    source = open_source(str(write_video(tmp_path / "a.avi", "MJPG")))
    stop = threading.Event()
    pictures = source.pictures(stop)
    assert next(pictures).index == 0
    stop.set()
    assert list(pictures) == []
    assert source.message == ""
    source.close()


def test_an_address_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(SightlineError, match="gopher://"):
        open_source("gopher://example/x")


ODD = [
    "a b.mp4",
    "ü, 50%03d #1 = 'x'.mp4",
    "co:lon",
    "file:x.mp4",
    "new\nline.mp4",
    "-dash",
    "🎥" * 50,
    "*?[a] ",
]


@pytest.mark.parametrize("name", ODD)
def test_a_video_can_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write_video(tmp_path / "a.mp4", "mp4v", 5).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(read(open_source(name))) == 5


def test_a_name_that_is_no_utf_8_is_refused_and_not_the_end_of_the_process(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/k\xf6ln.mp4"))
    write_video(tmp_path / "a.mp4", "mp4v", 5).rename(path)
    with pytest.raises(SightlineError, match="is no UTF-8"):
        open_source(str(path))

"""Video files: every frame of a whole one, what there is of a cut one, and clear words about the rest."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from producers.capture import open_source
from producers.sources import Gap, Picture, Source
from producers.video_file import VideoFile
from sightline.errors import SightlineError
from tests.unit.producers.small_videos import cut, damage, jpeg, matroska, without_key_frames, write_video

SHARED = Path(__file__).parents[4] / "shared"
BRIDGE = SHARED / "data" / "video" / "bridge_traffic.mp4"
CASES = SHARED / "cases"
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


def read(source: Source) -> list[Picture]:
    """Its pictures, of a source without gaps."""
    pictures, gaps = read_with_gaps(source)
    assert gaps == []
    return pictures


def read_with_gaps(source: Source) -> tuple[list[Picture], list[tuple[int, int]]]:
    """Its pictures; and for each gap how many pictures came before it, and how many are lost in it."""
    pictures: list[Picture] = []
    gaps: list[tuple[int, int]] = []
    try:
        for each in source.pictures(threading.Event()):
            if isinstance(each, Gap):
                assert each.reason == "not_decodable"
                gaps.append((len(pictures), each.count))
            else:
                pictures.append(each)
    finally:
        source.close()
    return pictures, gaps


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
    short, gaps = read_with_gaps(source)
    assert 400 < len(short) < 500
    assert sum(count for _, count in gaps) == 1  # the one at the cut
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


@pytest.mark.parametrize(
    ("name", "fourcc"),
    [
        ("a.avi", "MJPG"),
        ("a.avi", "XVID"),
        ("a.mp4", "mp4v"),
        ("a.mov", "mp4v"),
        ("a.webm", "VP80"),
        ("a.flv", "FLV1"),
    ],
)
def test_damaged_pictures_are_counted_and_all_others_come(tmp_path: Path, name: str, fourcc: str) -> None:
    source = open_source(str(damage(write_video(tmp_path / name, fourcc), [40, 41, 42])))
    pictures, gaps = read_with_gaps(source)
    assert gaps == [(40, 3)]
    assert [picture.index for picture in pictures] == list(range(72))
    assert pictures[-1].timestamp_ns == pytest.approx(74 * 40_000_000, abs=1_000_000)
    assert source.message == "3 pictures could not be decoded."


def test_a_header_that_promises_nothing_does_not_end_a_file_at_its_damage(tmp_path: Path) -> None:
    path = damage(matroska(tmp_path / "a.mkv", range(0, 3000, 100)), [10, 11])
    pictures, gaps = read_with_gaps(open_source(str(path)))
    assert (len(pictures), gaps) == (28, [(10, 2)])


def test_damaged_pictures_at_the_end_are_counted_too(tmp_path: Path) -> None:
    source = open_source(str(damage(write_video(tmp_path / "a.avi", "MJPG"), [73, 74])))
    pictures, gaps = read_with_gaps(source)
    assert (len(pictures), gaps, source.message) == (73, [(73, 2)], "2 pictures could not be decoded.")


def test_more_damaged_pictures_in_a_row_than_make_an_end_are_no_end(tmp_path: Path) -> None:
    source = open_source(str(damage(write_video(tmp_path / "a.avi", "MJPG", 1200), range(50, 1150))))
    pictures, gaps = read_with_gaps(source)
    assert (len(pictures), gaps) == (100, [(50, 1100)])


def test_pictures_far_apart_among_packets_of_sound_all_come(tmp_path: Path) -> None:
    path = matroska(tmp_path / "a.mkv", [0, 500, 100_000, 100_500], range(0, 100_500, 20), length_s=101)
    source = open_source(str(path))
    pictures = read(source)
    assert [picture.timestamp_ns for picture in pictures] == [
        0,
        500_000_000,
        100_000_000_000,
        100_500_000_000,
    ]
    assert source.message == ""


def test_sound_that_goes_on_after_the_pictures_is_no_early_end(tmp_path: Path) -> None:
    path = matroska(tmp_path / "a.mkv", range(0, 3000, 100), range(0, 15_000, 20), length_s=15)
    source = open_source(str(path))
    assert len(read(source)) == 30
    assert source.message == ""


def test_a_cut_file_with_sound_is_said_to_end_early(tmp_path: Path) -> None:
    path = matroska(tmp_path / "a.mkv", range(0, 6000, 100), range(0, 6000, 20), length_s=6)
    source = open_source(str(cut(path, 0.5)))
    assert 25 <= len(read(source)) <= 35
    assert re.fullmatch(
        r"The video ended early: \d+ frames, [23]\.\d s of the 6\.0 s that .*", source.message
    )


def test_a_transport_stream_that_is_cut_says_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.ts", "mp2v")
    assert path.stat().st_size % 188 == 0
    path.write_bytes(path.read_bytes()[: 188 * 100 + 77])
    source = open_source(str(path))
    assert 0 < len(read_with_gaps(source)[0]) < COUNT
    assert source.message.endswith("The file ends in the middle of a packet, so it was cut off there.")


def test_a_stream_cut_out_between_key_frames_gives_what_comes_after_the_first(tmp_path: Path) -> None:
    # The first key frame comes after 9 s; FFmpeg looks 5 s ahead for the size of the pictures.
    path = without_key_frames(write_video(tmp_path / "a.ts", "mp2v", 300), before=230)
    source = open_source(str(path))
    assert (source.width, source.height) == (64, 48)
    pictures, gaps = read_with_gaps(source)
    lost = sum(count for _, count in gaps)
    assert len(pictures) > 50
    assert 140 < lost <= 300 - len(pictures)
    assert f"{lost} pictures could not be decoded, " in source.message
    assert "before the first key frame" in source.message


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: matroska(path, [], range(0, 3000, 20)), "it holds sound and no video"),
        (
            lambda path: matroska(path, range(0, 3000, 100), codec="V_OWN/ABC"),
            r"no decoder for .* \(V_OWN/ABC\)",
        ),
        (
            lambda path: matroska(path, range(0, 3000, 100), data=b"x" * 500),
            "none of its 30 pictures is whole",
        ),
        (
            lambda path: without_key_frames(write_video(path.with_suffix(".ts"), "mp2v"), before=COUNT),
            r"none of its \d+ pictures is a key frame",
        ),
        (
            lambda path: cut(write_video(path.with_suffix(".avi"), "MJPG"), 0.02),
            "damaged or cut off, before a picture",
        ),
    ],
)
def test_a_file_without_a_picture_says_why(tmp_path: Path, make: Callable[[Path], Path], said: str) -> None:
    with pytest.raises(SightlineError, match=said):
        read_with_gaps(open_source(str(make(tmp_path / "a.mkv"))))


def test_pictures_of_a_file_without_a_whole_one_are_counted(tmp_path: Path) -> None:
    source = open_source(str(matroska(tmp_path / "a.mkv", range(0, 3000, 100), data=b"x" * 500)))
    pictures = source.pictures(threading.Event())
    assert next(pictures) == Gap(30)
    with pytest.raises(SightlineError, match="holds no frame that can be decoded"):
        next(pictures)


def test_the_picture_of_a_cover_is_no_video(tmp_path: Path) -> None:
    # An ID3 tag with an attached picture, and silence as MPEG layer III.
    picture = b"\0image/jpeg\0\x03\0" + jpeg()
    frame = b"APIC" + len(picture).to_bytes(4) + b"\0\0" + picture
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path = tmp_path / "a.mp3"
    path.write_bytes(b"ID3\x03\0\0" + size + frame + (b"\xff\xfb\x90\x64" + bytes(413)) * 100)
    with pytest.raises(SightlineError, match="it holds sound and no video"):
        open_source(str(path))


def test_a_source_that_never_gives_a_picture_is_given_up() -> None:
    class Undecodable:
        def get(self, prop: int) -> float:
            return 25.0

        def read(self) -> tuple[bool, None]:
            return False, None

    video = VideoFile(Undecodable(), "a.avi")  # type: ignore[arg-type]  # has what is used of a capture
    with pytest.raises(SightlineError, match=r"a\.avi holds no frame"):
        list(video.pictures(threading.Event()))


@pytest.mark.parametrize(
    ("name", "shown", "lost", "message"),
    [
        ("corrupt-middle/noise.mp4", 197, 3, "3 pictures could not be decoded."),
        ("corrupt-middle/noise.avi", 197, 3, "3 pictures could not be decoded."),
        ("motion-with-audio/motion.mkv", 20, 0, ""),
        (
            "starts-mid-gop/piece.ts",
            125,
            225,
            "225 pictures could not be decoded, as they come before the first key frame.",
        ),
        ("longer-sound/sound.mkv", 30, 0, ""),
    ],
)
def test_files_that_users_reported(name: str, shown: int, lost: int, message: str) -> None:
    path = CASES / name
    if not path.exists():
        pytest.skip(f"the shared file {name} is not here")
    source = open_source(str(path))
    pictures, gaps = read_with_gaps(source)
    assert (len(pictures), sum(count for _, count in gaps), source.message) == (shown, lost, message)


def test_ffmpeg_says_nothing_on_the_terminal(tmp_path: Path) -> None:
    path = matroska(tmp_path / "a.mkv", range(0, 3000, 100), codec="V_OWN/ABC")
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
    assert isinstance(next(pictures), Picture)
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
    with pytest.raises(SightlineError, match="is not UTF-8"):
        open_source(str(path))

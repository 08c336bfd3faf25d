"""Which cameras a command line names."""

from pathlib import Path

import pytest

from sightline.errors import SightlineError
from sightline.known_sources import remember_source
from sightline.pipeline.cameras import cameras_of_sources
from sightline.stream_names import identity_of


def test_names_given_by_hand_come_first_and_the_others_keep_clear_of_them():
    cameras = cameras_of_sources(
        ["/a/gate.mp4", "/b/yard.mp4"], "detections", realtime=True, named=["gate=rtsp://u:p=1@h/x=y"]
    )
    gate, other, yard = cameras
    assert (gate.stream_id, gate.source, gate.mode, gate.realtime) == (
        "gate", "rtsp://u:p=1@h/x=y", "detections", True
    )  # fmt: skip
    assert other.stream_id.startswith("gate-")
    assert yard.stream_id == "yard"


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (["gate"], "--stream gate is not of the form NAME=SOURCE"),
        (["gate="], "not of the form"),
        (["rtsp://u:S3cr3T@h/x"], r"--stream rtsp://\*\*\*@h/x is not"),
        (["rtsp://u:S3cr3T@h/x?channel=1"], r"--stream rtsp://\*\*\*@h/x\?channel=1 is not of the form"),
        (["Back Porch=a.mp4"], "'Back Porch' is no stream id.*Back-Porch would be one"),
        (["../x=a.mp4"], "is no stream id"),
        (["..=a.mp4"], "is no stream id"),
        (["a=x.mp4", "a=y.mp4"], "Two sources are to be the stream a"),
        (["a=x.mp4", "A=y.mp4"], "capital letters"),
        (["a=rtsp://u:S3/cr3T@10.0.0.1/x"], "%2F for /"),
    ],
)
def test_a_name_that_cannot_be_is_refused(named, said):
    with pytest.raises(SightlineError, match=said) as caught:
        cameras_of_sources([], "frames", realtime=False, named=named)
    assert "cr3T" not in str(caught.value)


def test_a_data_folder_keeps_a_name_for_its_source_and_says_what_another_is_called(tmp_path: Path):
    remember_source(tmp_path, "cam", identity_of("/a/cam.mp4"))
    (same,) = cameras_of_sources(["/a/../a/cam.mp4"], "frames", realtime=False, state_dir=tmp_path)
    assert (same.stream_id, same.note) == ("cam", "")
    (other,) = cameras_of_sources(["/b/cam.mp4"], "frames", realtime=False, state_dir=tmp_path)
    assert other.stream_id.startswith("cam-")
    assert other.note == (
        f"/b/cam.mp4 is the stream {other.stream_id}: in this data folder cam comes from /a/cam.mp4. "
        "--stream cam=/b/cam.mp4 would go on with that one."
    )


def test_a_source_that_was_given_a_name_keeps_it_and_it_is_told(tmp_path: Path):
    remember_source(tmp_path, "cam", identity_of("/a/cam.mp4"))
    remember_source(tmp_path, "gate", identity_of("/b/cam.mp4"))
    (camera,) = cameras_of_sources(["/b/cam.mp4"], "frames", realtime=False, state_dir=tmp_path)
    assert camera.note == "/b/cam.mp4 is the stream gate."


def test_a_stream_that_goes_on_with_another_source_by_hand_is_told(tmp_path: Path):
    remember_source(tmp_path, "gate", identity_of("rtsp://u:S3cr3T@old/live"))
    for source, note in (
        ("rtsp://u:n3w@old/live", ""),
        (
            "rtsp://u:n3w@new/live",
            "The stream gate goes on with rtsp://new/live; so far it came from rtsp://old/live.",
        ),
    ):
        named = [f"gate={source}"]
        (camera,) = cameras_of_sources([], "frames", realtime=False, named=named, state_dir=tmp_path)
        assert camera.note == note


def test_a_name_that_does_not_show_its_source_is_told():
    (one,) = cameras_of_sources(["rtsp://u:S3cr3T@h/live"], "frames", realtime=False)
    assert one.note == "rtsp://***@h/live is the stream h-live."

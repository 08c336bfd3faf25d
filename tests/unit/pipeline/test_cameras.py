"""What streams are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.wire import STREAM_ID
from sightline.pipeline.cameras import cameras_of_sources, stream_id_of


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("/videos/bridge_traffic.mp4", "bridge_traffic"),
        ("gate.north.mkv", "gate.north"),
        ("Zufahrt Süd (1).avi", "Zufahrt-S-d--1-"),
        ("rtsp://user:secret@10.0.0.7:554/live/cam1", "cam1"),
        ("rtsp://10.0.0.7", "10.0.0.7"),
        ("synthetic:7?fps=15", "synthetic-7"),
        ("C:\\videos\\dock.mp4", "dock"),
    ],
)
def test_a_stream_is_called_after_its_source(source, expected):
    assert stream_id_of(source) == expected


@given(st.text(max_size=200))
def test_any_source_gives_a_legal_stream_id(source):
    assert STREAM_ID.match(stream_id_of(source))


@given(st.lists(st.sampled_from(["a.mp4", "b/a.mp4", "a-2.mp4", "c.mp4", "x" * 90 + ".mp4"]), max_size=12))
def test_no_two_sources_share_a_stream(sources):
    cameras = cameras_of_sources(sources, "frames", realtime=False)
    names = [camera.stream_id for camera in cameras]
    assert len(set(names)) == len(names)
    assert all(STREAM_ID.match(name) for name in names)
    assert [camera.source for camera in cameras] == sources


def test_a_password_in_an_address_is_not_part_of_the_streams_name():
    assert "secret" not in stream_id_of("rtsp://user:secret@10.0.0.7:554/")

"""A state folder knows from which source each of its streams comes."""

from pathlib import Path

import pytest

from sightline.errors import SightlineError
from sightline.known_sources import read_known, remember_source


def test_what_was_remembered_is_known_once_and_in_order(tmp_path: Path):
    assert read_known(tmp_path / "none") == {}
    moves = [remember_source(tmp_path, ".gate.source", each) for each in ("/b\n.mp4", "/a.mp4", "/b\n.mp4")]
    assert moves == ["", "The stream .gate.source goes on with /a.mp4; so far it came from /b\n.mp4.", ""]
    remember_source(tmp_path, "yard", "rtsp://h/x")
    (tmp_path / "old.epoch").write_text("7\n")
    assert read_known(tmp_path) == {".gate.source": ("/b\n.mp4", "/a.mp4"), "yard": ("rtsp://h/x",)}


def test_a_line_that_was_cut_off_is_passed_over(tmp_path: Path):
    (tmp_path / "gate.source").write_bytes(b'"/a.mp4"\n"/b.m\n\xff\n7\n')
    assert read_known(tmp_path) == {"gate": ("/a.mp4",)}
    remember_source(tmp_path, "gate", "/c.mp4")
    assert read_known(tmp_path) == {"gate": ("/a.mp4", "/c.mp4")}


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path):
    (tmp_path / "gate.source").mkdir()
    with pytest.raises(SightlineError, match="cannot be read: Is a directory"):
        read_known(tmp_path)

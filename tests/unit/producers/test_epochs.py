"""A stream's epoch rises with each start, whatever the clock or a crash does."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.epochs import next_epoch, only_reader
from sightline.errors import SightlineError


@settings(max_examples=30, deadline=None)  # the disk is waited for
@given(clocks=st.lists(st.integers(0, 2**40), min_size=2, max_size=6))
def test_it_rises_whatever_the_clock_says(
    tmp_path_factory: pytest.TempPathFactory, clocks: list[int]
) -> None:
    file = tmp_path_factory.mktemp("state") / "new" / "cam.epoch"
    epochs = [next_epoch(file, clock) for clock in clocks]
    assert all(before < after for before, after in pairwise(epochs))
    assert all(epoch >= clock for epoch, clock in zip(epochs, clocks, strict=True))


def test_what_a_crash_left_beside_the_file_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "cam.epoch"
    assert next_epoch(file, 100) == 100
    (tmp_path / "cam.epoch.new").write_text("9")
    assert next_epoch(file, 50) == 101


@pytest.mark.parametrize("content", [b"", b"abc", b"-5", b"\xff\xfe", b"1" * 30, "٣".encode()])
def test_a_damaged_file_is_an_error_and_no_guess(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "cam.epoch"
    file.write_bytes(content)
    with pytest.raises(SightlineError, match="damaged"):
        next_epoch(file, 100)
    assert file.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(SightlineError, match="cannot be read or written"):
        next_epoch(tmp_path / "state" / "cam.epoch", 100)


def test_a_stream_has_one_reader_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "cam.lock"
    with (
        only_reader(lock),
        pytest.raises(SightlineError, match="stream cam is captured by another"),
        only_reader(lock),
    ):
        pass
    with only_reader(lock):
        assert lock.exists()

"""The data folder: one owner, and a file that is believed only while the owner lives."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import SightlineError
from sightline.stack import datadir
from sightline.stack.datadir import DataDir, RunningStage, StackState, check_disk, read_stack, running_stage

OWNER = """
import os, sys, time
from pathlib import Path
from sightline.stack.datadir import DataDir, StackState, running_stage
with DataDir(Path(sys.argv[1])) as data:
    data.write(StackState(os.getpid(), (running_stage("self", os.getpid()),)))
    print("owned", flush=True)
    time.sleep(600)
"""
STAGES = st.builds(
    RunningStage,
    st.text(max_size=10),
    st.integers(1),
    st.text(max_size=10),
    st.integers(0),
    st.none() | st.floats(0, 1e10),
)
PLACES = st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(), max_size=3)


@given(st.builds(StackState, st.integers(1), st.lists(STAGES, max_size=3).map(tuple), PLACES, PLACES, PLACES))
def test_what_is_written_is_read_back(state: StackState) -> None:
    assert StackState.from_json(state.to_json()) == state


@given(
    st.text(max_size=50)
    | st.sampled_from(["[]", "{}", '{"stages": 1}', '{"stages": [{}]}', '{"pid": 1}', "null"])
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        StackState.from_json(text)


def test_a_running_stack_is_seen_and_a_clean_end_removes_it(tmp_path: Path) -> None:
    assert read_stack(tmp_path / "data") is None
    with DataDir(tmp_path / "data") as data:
        assert read_stack(tmp_path / "data") is None
        state = StackState(
            os.getpid(), (running_stage("me", os.getpid()),), kafka={"bootstrap": "127.0.0.1:1"}
        )
        data.write(state)
        assert read_stack(tmp_path / "data") == state
        assert state.stages[0].started_at_s is not None
    assert read_stack(tmp_path / "data") is None
    assert not (tmp_path / "data" / "stack.json").exists()


def test_a_second_owner_is_told_who_has_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "owned\n"
            with pytest.raises(SightlineError, match=f"in use by the process {owner.pid}"), DataDir(tmp_path):
                pytest.fail("two owners")
            assert read_stack(tmp_path) is not None
        finally:
            owner.kill()
    assert (tmp_path / "stack.json").exists()
    assert read_stack(tmp_path) is None  # its owner is dead
    with DataDir(tmp_path):
        assert not (tmp_path / "stack.json").exists()


def test_processes_that_a_dead_stack_left_are_ended_before_the_folder_is_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datadir, "_LEFTOVER_S", 0.1)
    told: list[str] = []
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(sleeper, start_new_session=True) as left, subprocess.Popen(sleeper) as stranger:
        try:
            reused = RunningStage(
                "old", stranger.pid, started_at_s=psutil.Process(stranger.pid).create_time() - 100
            )
            state = StackState(1, (running_stage("left", left.pid), reused))
            (tmp_path / "stack.json").write_text(state.to_json())
            with DataDir(tmp_path, told.append):
                assert left.wait(30) == -9
                assert stranger.poll() is None  # only its pid is that of a process of the stack
        finally:
            left.kill()
            stranger.kill()
    assert told == ["Waiting for 1 processes of a stack that died"]


def test_a_damaged_file_is_no_stack(tmp_path: Path) -> None:
    with DataDir(tmp_path):
        (tmp_path / "stack.json").write_text('{"stages": [')
        assert read_stack(tmp_path) is None


def test_a_disk_without_room_is_an_error_that_says_how_much_is_there(tmp_path: Path) -> None:
    check_disk(tmp_path / "not" / "yet" / "there", 1)
    with pytest.raises(SightlineError, match=r"Only \d+ MiB are free"):
        check_disk(tmp_path / "not" / "yet" / "there", 1 << 60)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(SightlineError, match="Cannot use the data folder"),
        DataDir(tmp_path / "file" / "data"),
    ):
        pytest.fail("made")

"""The audit names the frames that are in no table, on ClickHouse's real engine."""

from pathlib import Path

import pytest

from sightline.cli.app import run
from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.clickhouse.connect import tables_folder
from sightline.clickhouse.migrate import migrate
from sightline.pipeline.audit import Gap, read_audit
from sightline.pipeline.tables import open_query
from sightline.settings import DataSettings, Settings


def frame(stream_id: str, seq: int, epoch: int = 1) -> str:
    left_out = f"{{'tracks_full': {seq}}}" if stream_id == "whole" and seq > 2 else "{}"
    return f"('{stream_id}', {epoch}, {seq}, 640, 360, 0, 0, {left_out})"


def capture(stream_id: str, captured: int, dropped: int = 0, state: str = "ended", epoch: int = 1) -> str:
    counters = f"{{'captured': {captured}, 'dropped.late': {dropped}}}"
    return f"('{stream_id}', 'capture', {epoch}, 'x', now64(9), '{state}', '', {counters})"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tables of five streams: whole, with dropped frames, with lost ones, running, with a retried one."""
    monkeypatch.chdir(tmp_path)
    engine = ChdbEngine(tables_folder(tmp_path))
    database = engine.connect()
    migrate(database, "sightline")
    frames = [frame("whole", seq) for seq in range(5)]
    frames += [frame("dropped", seq) for seq in (0, 1, 4)]
    frames += [frame("lost", seq) for seq in (1, 2, 3, 6, 9)] + [frame("lost", 0, epoch=2)]
    frames += [frame("running", seq) for seq in (0, 1)]
    frames += [frame("retried", seq) for seq in range(3)]
    database.command(
        "INSERT INTO sightline.frames"
        " (stream_id, epoch, seq, width, height, detections, tracks, left_out) VALUES " + ", ".join(frames)
    )
    captures = [
        capture("whole", 5),
        capture("dropped", 5, dropped=2),
        capture("lost", 10),
        capture("lost", 1, epoch=2),
        capture("retried", 4),
    ]
    captures.append(capture("running", 4, state="running"))
    database.command("INSERT INTO sightline.streams VALUES " + ", ".join(captures))
    database.command(
        "INSERT INTO sightline.dead_letters (topic, `partition`, `offset`, stage, stream_id, epoch, seq)"
        " VALUES ('t', 0, 7, 'infer', 'lost', 1, 8), ('t', 0, 8, 'infer', 'retried', 1, 2),"
        " ('t', 0, 9, 'infer', 'retried', 1, 3)"
    )
    database.close()
    engine.close()
    return tmp_path


def test_missing_frames_are_named_and_dead_letters_are_not_missing(data):
    with open_query(Settings(data=DataSettings(dir=data))) as query:
        found = {each.account.stream_id: each for each in read_audit(query, 0)}
    assert found["lost"].gaps == (Gap(1, 0, 0), Gap(1, 4, 5), Gap(1, 7, 7))
    assert (found["lost"].account.dropped, found["lost"].unexplained) == ({"dead_letter": 1}, 4)
    assert found["whole"].gaps == ()
    assert found["dropped"].gaps == (Gap(1, 2, 3),)
    assert {name: each.ok for name, each in found.items()} == {
        "whole": True,
        "dropped": True,
        "lost": False,
        "running": True,
        "retried": True,
    }


def test_what_the_tracker_left_out_is_added_up_and_told(data, capsys):
    with open_query(Settings(data=DataSettings(dir=data))) as query:
        found = {each.account.stream_id: each.account.left_out for each in read_audit(query, 0)}
    assert found == {"whole": {"tracks_full": 7}, "dropped": {}, "lost": {}, "running": {}, "retried": {}}
    assert run(["audit", "--stream", "whole", "--data", str(data)]) == 0
    assert "whole: the tracker's limits left out 7 tracks_full" in capsys.readouterr().out


def test_a_dead_letter_that_was_retried_with_success_counts_as_written_and_not_as_dropped(data):
    with open_query(Settings(data=DataSettings(dir=data))) as query:
        (retried,) = read_audit(query, 0, "retried")
    assert (retried.account.captured, retried.account.written) == (4, 3)
    assert retried.account.dropped == {"dead_letter": 1}
    assert retried.account.in_flight == 0


def test_the_command_lists_what_is_missing_and_says_so_by_its_exit_code(data, capsys):
    assert run(["audit", "--data", str(data)]) == 1
    output = capsys.readouterr().out
    assert "lost: no row for frame 4 to 5 of epoch 1" in output
    assert run(["audit", "--data", str(data), "--stream", "whole"]) == 0
    assert run(["audit", "--data", str(data), "--stream", "nobody"]) == 1

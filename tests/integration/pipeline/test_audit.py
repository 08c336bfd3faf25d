"""The audit names the frames that are in no table, on ClickHouse's real engine."""

import time
from pathlib import Path

import pytest

from schemas.topics import FRAMES, TRUTH
from sightline.cli.app import run
from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.clickhouse.connect import tables_folder
from sightline.clickhouse.migrate import migrate
from sightline.pipeline.audit import Gap, read_audit
from sightline.pipeline.progress import read_sample, with_frames_behind
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
    """Tables of streams: whole, with dropped frames, lost ones, running, with a retried one, with two
    unreadable ones, taken over by a second gateway; and a dead letter about one that nobody reported."""
    monkeypatch.chdir(tmp_path)
    engine = ChdbEngine(tables_folder(tmp_path))
    database = engine.connect()
    migrate(database, "sightline")
    frames = [frame("whole", seq) for seq in range(5)]
    frames += [frame("dropped", seq) for seq in (0, 1, 4)]
    frames += [frame("lost", seq) for seq in (1, 2, 3, 6, 9)] + [frame("lost", 0, epoch=2)]
    frames += [frame("running", seq) for seq in (0, 1)]
    frames += [frame("retried", seq) for seq in range(3)]
    frames += [frame("unread", 0), frame("taken", 0), frame("taken", 1), frame("taken", 0, epoch=2)]
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
        capture("unread", 3),
        capture("taken", 4, state="failed").replace("''", "'Another gateway has it.'"),
        capture("taken", 1, epoch=2),
    ]
    captures.append(capture("running", 4, state="running"))
    database.command("INSERT INTO sightline.streams VALUES " + ", ".join(captures))
    database.command(
        "INSERT INTO sightline.dead_letters (topic, `partition`, `offset`, stage, stream_id, epoch, seq)"
        f" VALUES ('{FRAMES.name}', 0, 7, 'infer', 'lost', 1, 8),"
        f" ('{FRAMES.name}', 0, 8, 'infer', 'retried', 1, 2),"
        f" ('{FRAMES.name}', 0, 9, 'infer', 'retried', 1, 3), ('{TRUTH.name}', 0, 9, 'write', 'whole', 1, 77)"
    )
    database.command(
        "INSERT INTO sightline.dead_letters"
        " (topic, `partition`, `offset`, stage, stream_id, at, reason) VALUES "
        + ", ".join(
            f"('{FRAMES.name}', 0, {offset}, 'infer', '{stream_id}', now64(9), 'width: no [red]')"
            for offset, stream_id in enumerate(["unread", "unread", "mute", ""], 20)
        )
    )
    database.command(
        "INSERT INTO sightline.streams VALUES ('taken', 'track', 2, 'y', now64(9), 'running', '',"
        " {'frames': 3, 'superseded.1': 2})"
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
        "unread": True,
        "taken": True,
    }
    assert found["unread"].account.dropped == {"unreadable": 2}
    assert found["taken"].account.dropped == {"superseded": 2}


def test_what_the_tracker_left_out_is_added_up_and_told(data, capsys):
    with open_query(Settings(data=DataSettings(dir=data))) as query:
        found = {each.account.stream_id: each.account.left_out for each in read_audit(query, 0)}
    assert {name: counts for name, counts in found.items() if counts} == {"whole": {"tracks_full": 7}}
    assert run(["audit", "--stream", "whole", "--data", str(data)]) == 0
    assert "whole: the tracker's limits left out 7 tracks_full" in capsys.readouterr().out


def test_the_lag_of_a_gateway_that_runs_for_long_does_not_count_what_was_written_before(data):
    """The rows of these streams have no wall clock, as those of more than a minute ago do not count."""
    since_ns = time.time_ns() - 60 * 10**9
    with open_query(Settings(data=DataSettings(dir=data))) as query:
        sample = with_frames_behind(query, read_sample(query, since_ns, since_ns, 0.0), since_ns)
    lags = {name: stream.lag for name, stream in sample.streams.items()}
    assert lags == {"whole": 0, "dropped": 0, "lost": 0, "running": 2, "retried": 1, "unread": 2, "taken": 0}


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


def test_the_command_names_the_dead_letters_and_what_gateways_said(data, capsys):
    run(["audit", "--data", str(data)])
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    about = f"of infer about {FRAMES.name}"
    assert f"unread: 2 dead letters {about}, the last one: width: no [red]" in lines
    assert f"mute: 1 dead letter {about}, why: width: no [red]" in lines
    assert f"(no stream): 1 dead letter {about}, why: width: no [red]" in lines
    assert "taken: epoch 1 of x: Another gateway has it." in lines
    assert run(["audit", "--data", str(data), "--stream", "mute"]) == 1
    assert f"mute: 1 dead letter {about}" in capsys.readouterr().out

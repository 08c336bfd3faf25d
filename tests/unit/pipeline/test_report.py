"""A run is fine only if every captured frame is accounted for and nothing went wrong."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from sightline.errors import SightlineError
from sightline.pipeline.accounts import StreamAccount
from sightline.pipeline.report import Report, stream_problems
from sightline.pipeline.runs import write_report
from sightline.pipeline.summary import print_summary

GOOD = Report(
    accounts=[StreamAccount("gate", captured=10, written=8, dropped={"overtaken": 2}, ended=True)],
    stages={"publish": {"p50_ms": 1.0, "p99_ms": 2.0}},
    frames_per_s=12.345,
    wall_s=3.0,
    tracks=4,
    labels=2,
)


def shown(report: Report) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_summary(console, report, lambda _sql, _parameters: [{"label": "car [red]", "objects": 3}])
    return console.file.getvalue()


def test_a_run_with_all_frames_accounted_for_is_ok_and_says_so():
    assert GOOD.ok
    assert "OK: all 10 captured frames are accounted for, 2 dropped with a reason: 2 overtaken." in shown(
        GOOD
    )


def with_dropped(captured: int, written: int, dropped: dict[str, int], **changes: Any) -> Report:
    account = StreamAccount("gate", captured, written, dropped, ended=True, **changes)
    return replace(GOOD, accounts=[account], problems=stream_problems([account]))


def test_a_run_that_lost_frames_of_its_source_is_told_from_a_whole_one_in_its_last_line_and_in_the_json():
    report = with_dropped(10, 7, {"overtaken": 1, "too_large": 2})
    assert report.ok
    last = shown(report).strip().splitlines()[-1]
    assert last == "Not whole: 2 of 10 captured frames are not written: 2 too_large. All are accounted for."
    assert report.as_json()["lost"] == {"too_large": 2}
    assert with_dropped(10, 8, {"queue_full": 1, "stopped": 1}).lost == {}


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (with_dropped(2, 0, {"too_large": 2}), "none of its 2 frames was written: 2 too_large"),
        (with_dropped(3, 0, {"overtaken": 2, "stopped": 1}), "none of its 3 frames was written"),
        (with_dropped(0, 0, {}), "it ended without a single frame"),
        (with_dropped(9, 5, {"delivery_failed": 3, "overtaken": 1}), "lost on their way: 3 delivery_failed."),
        (with_dropped(9, 5, {"superseded": 4}), "lost on their way: 4 superseded."),
        (with_dropped(9, 5, {"too_large": 4}, failed=True, message="Gone."), "gate: Gone."),
    ],
)
def test_a_stream_of_which_nothing_arrived_or_good_frames_did_not_is_a_problem(report: Report, said: str):
    assert not report.ok
    assert said in shown(report)
    assert "OK" not in shown(report)


def test_a_missing_frame_is_named_and_the_run_is_not_ok():
    lost = replace(GOOD, accounts=[StreamAccount("gate", captured=10, written=9, ended=True)])
    assert not lost.ok
    assert "gate: of 10 frames captured, 1 are unaccounted for" in shown(lost)


def test_a_run_that_captured_nothing_is_not_ok():
    assert not replace(GOOD, accounts=[]).ok
    assert "no frame was captured" in shown(replace(GOOD, accounts=[]))


def test_a_problem_makes_a_balanced_run_fail_and_is_shown():
    bad = replace(GOOD, problems=["gate: the video ends early."])
    assert not bad.ok
    assert "Problem: gate: the video ends early." in shown(bad)


def test_text_from_the_tables_is_shown_as_it_is_and_not_as_markup():
    assert "car [red]" in shown(GOOD)


def test_the_json_has_what_its_readers_build_on():
    document = json.loads(json.dumps(GOOD.as_json()))
    assert document["streams"]["gate"] == {
        "captured": 10,
        "written": 8,
        "dropped": {"overtaken": 2},
        "in_flight": 0,
        "left_out": {},
        "message": "",
    }
    assert document["stages"] == {"publish": {"p50_ms": 1.0, "p99_ms": 2.0}}
    assert (document["frames_per_s"], document["wall_s"]) == (12.35, 3.0)


def test_a_report_that_cannot_be_written_is_a_clear_error(tmp_path):
    with pytest.raises(SightlineError, match="cannot be written"):
        write_report(GOOD, tmp_path / "no" / "folder.json")

"""captured = written + dropped + in flight, whatever the tables say."""

from collections.abc import Mapping, Sequence
from typing import Any

from sightline.pipeline import accounts
from sightline.pipeline.accounts import read_accounts


class Tables:
    """Answers the account's queries with rows made by hand."""

    def __init__(self, **rows: Sequence[Mapping[str, Any]]) -> None:
        self.answers = {
            accounts.CAPTURE_SQL: rows.get("capture", []),
            accounts.WRITTEN_SQL: rows.get("written", []),
            accounts.DETECTION_ROWS_SQL: rows.get("detections", []),
            accounts.DEAD_SQL: rows.get("dead", []),
            accounts.UNREADABLE_SQL: rows.get("unreadable", []),
            accounts.SUPERSEDED_SQL: rows.get("superseded", []),
        }

    def __call__(self, sql: str, _parameters: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        return self.answers[sql]


def capture(epoch: int = 1, state: str = "ended", **counters: int) -> dict[str, Any]:
    names = {name.replace("__", "."): count for name, count in counters.items()}
    row = {"stream_id": "gate", "epoch": epoch, "counters": names, "state": state, "message": ""}
    return row | {"instance": f"edge-{epoch}"}


def written(frames: int, seen: int, epoch: int = 1, detections: int = 0, **left_out: int) -> dict[str, Any]:
    return {
        "stream_id": "gate",
        "epoch": epoch,
        "frames": frames,
        "seen": seen,
        "detections": detections,
        "left_out": left_out,
    }


def test_frames_that_are_written_or_dropped_with_a_reason_balance():
    tables = Tables(
        capture=[capture(captured=100, dropped__queue_full=3, dropped__late=0)],
        written=[written(95, 100)],
        dead=[{"stream_id": "gate", "epoch": 1, "frames": 2, "seen": 50}],
    )
    (account,) = read_accounts(tables, 0)
    assert account.balanced
    assert account.dropped == {"queue_full": 3, "dead_letter": 2}


def test_a_frame_that_is_nowhere_is_in_flight():
    (account,) = read_accounts(Tables(capture=[capture(captured=100)], written=[written(99, 100)]), 0)
    assert not account.balanced
    assert account.in_flight == 1


def test_a_frame_written_twice_does_not_balance():
    (account,) = read_accounts(Tables(capture=[capture(captured=100)], written=[written(101, 100)]), 0)
    assert not account.balanced


def test_a_gateway_that_was_killed_before_its_last_report_cannot_hide_frames():
    tables = Tables(capture=[capture(state="running", captured=50)], written=[written(79, 80)])
    (account,) = read_accounts(tables, 0)
    assert (account.captured, account.in_flight, account.ended) == (80, 1, False)


def test_a_restarted_gateways_epochs_are_added_up():
    tables = Tables(
        capture=[capture(1, "running", captured=10), capture(2, captured=20, dropped__late=5)],
        written=[written(10, 10, 1, detections=7), written(15, 20, 2, detections=8)],
    )
    (account,) = read_accounts(tables, 0)
    assert (account.captured, account.written, account.dropped) == (30, 25, {"late": 5})
    assert (account.balanced, account.ended, account.detections) == (True, True, 15)


def test_what_the_tracker_left_out_is_added_up_and_loses_no_frame():
    tables = Tables(
        capture=[capture(1, captured=10), capture(2, captured=10)],
        written=[
            written(10, 10, 1, tracks_full=2),
            written(10, 10, 2, tracks_full=1, detections_over_limit=9),
        ],
    )
    (account,) = read_accounts(tables, 0)
    assert account.left_out == {"tracks_full": 3, "detections_over_limit": 9}
    assert account.balanced


def test_a_stream_without_any_frame_balances_at_zero():
    (account,) = read_accounts(Tables(capture=[capture(state="failed", captured=0)]), 0)
    assert (account.balanced, account.failed, account.ended) == (True, True, True)


def test_a_letter_that_tells_no_frame_accounts_for_a_missing_one_and_for_no_more():
    for letters, missing, dropped in (
        (3, 0, {"unreadable": 3}),
        (2, 1, {"unreadable": 2}),
        (9, 0, {"unreadable": 3}),
    ):
        tables = Tables(
            capture=[capture(captured=10)],
            written=[written(7, 10)],
            unreadable=[{"stream_id": "gate", "letters": letters}],
        )
        (account,) = read_accounts(tables, 0)
        assert (account.in_flight, account.dropped) == (missing, dropped)


def test_garbage_under_the_key_of_a_whole_stream_is_no_frame_of_it():
    tables = Tables(
        capture=[capture(captured=10)],
        written=[written(10, 10)],
        unreadable=[{"stream_id": "gate", "letters": 5}],
    )
    (account,) = read_accounts(tables, 0)
    assert (account.balanced, account.dropped) == (True, {})


def test_frames_that_came_after_a_newer_gateways_are_dropped_as_superseded_in_their_epoch():
    tables = Tables(
        capture=[capture(1, captured=120, dropped__superseded=2), capture(2, captured=50)],
        written=[written(53, 53, 1), written(49, 50, 2)],
        superseded=[
            {"stream_id": "gate", "counters": {"superseded.1": 60, "frames": 53}},
            {"stream_id": "gate", "counters": {"superseded.1": 65, "frames": 102}},
        ],
    )
    (account,) = read_accounts(tables, 0)
    assert account.dropped == {"superseded": 67}
    assert account.in_flight == 1  # of the newer one, which no count of the older explains


def test_what_the_gateways_of_all_epochs_say_is_kept():
    older = capture(1, "failed", captured=1) | {"message": "Another gateway took over."}
    (account,) = read_accounts(Tables(capture=[older, capture(2, captured=1)], written=[written(1, 1)]), 0)
    assert account.notes == ("epoch 1 of edge-1: Another gateway took over.",)
    assert account.message == ""

"""Frame conservation: captured = written + dropped + in flight, for each stream, from the tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

Row = Mapping[str, Any]
Query = Callable[[str, Mapping[str, Any]], Sequence[Row]]
"""Runs one SELECT with parameters and returns its rows by column name."""


@dataclass(frozen=True)
class StreamAccount:
    """Where the frames of one stream are.

    Attributes:
        stream_id: The stream.
        captured: Frames that the gateway took from its source.
        written: Frames that have a row in `frames`.
        dropped: Frames that were given up, by reason.
        left_out: What the tracker's limits left out of the written frames, by reason.
        detections: Detections that the tracker saw on the written frames.
        detection_rows: Rows in `detections`.
        truth: Rows that the gateway sent the truth for.
        truth_rows: Rows in `truth` and `truth_events`.
        ended: Whether the gateway said that nothing more will come.
        failed: Whether it said that the source failed.
        message: What the gateway says for people, if anything.
        notes: What the gateways of all epochs said for people, each with its epoch and the gateway's name.
    """

    stream_id: str
    captured: int
    written: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    detections: int = 0
    detection_rows: int = 0
    truth: int = 0
    truth_rows: int = 0
    ended: bool = False
    failed: bool = False
    message: str = ""
    notes: Sequence[str] = ()

    @property
    def in_flight(self) -> int:
        """Frames that are still on their way; below zero if more were written than captured."""
        return self.captured - self.written - sum(self.dropped.values())

    @property
    def balanced(self) -> bool:
        """Whether every captured frame is accounted for, with none left on its way."""
        return self.in_flight == 0


CAPTURE_SQL = """
SELECT stream_id, epoch, argMax(counters, at) AS counters, argMax(state, at) AS state,
       argMax(message, at) AS message, argMax(instance, at) AS instance
FROM streams WHERE stage = 'capture' AND at >= fromUnixTimestamp64Nano({since_ns:Int64})
GROUP BY stream_id, epoch ORDER BY stream_id, epoch"""

WRITTEN_SQL = """
SELECT stream_id, epoch, count() AS frames, max(seq) + 1 AS seen, sum(detections) AS detections,
       sumMap(frames.left_out) AS left_out
FROM frames WHERE stream_id IN {streams:Array(String)} GROUP BY stream_id, epoch"""

DETECTION_ROWS_SQL = """
SELECT stream_id, epoch, count() AS detection_rows
FROM detections WHERE stream_id IN {streams:Array(String)} GROUP BY stream_id, epoch"""

TRUTH_ROWS_SQL = """
SELECT stream_id, epoch, count() AS truth_rows FROM (
    SELECT stream_id, epoch FROM truth WHERE stream_id IN {streams:Array(String)}
    UNION ALL
    SELECT stream_id, epoch FROM truth_events WHERE stream_id IN {streams:Array(String)})
GROUP BY stream_id, epoch"""

FRAME_TOPICS: Final = "('sightline.frames.v1', 'sightline.detections.v1', 'sightline.tracks.v1')"
"""A record of these that cannot be used is a frame that is not written."""

# A letter that was retried with success is no loss: its frame has a row by now, and counts as written.
DEAD_SQL = f"""
WITH letters AS (
    SELECT stream_id, assumeNotNull(epoch) AS epoch, assumeNotNull(seq) AS seq
    FROM dead_letters
    WHERE stream_id IN {{streams:Array(String)}} AND seq IS NOT NULL AND topic IN {FRAME_TOPICS})
SELECT stream_id, epoch, uniqExact(seq) AS frames, max(seq) + 1 AS seen
FROM letters WHERE (stream_id, epoch, seq) NOT IN (
    SELECT stream_id, epoch, seq FROM frames
    WHERE stream_id IN {{streams:Array(String)}} AND (stream_id, epoch, seq) IN (SELECT * FROM letters))
GROUP BY stream_id, epoch"""  # noqa: S608 - its own names

UNREADABLE_SQL = f"""
SELECT stream_id, count() AS letters FROM dead_letters
WHERE stream_id IN {{streams:Array(String)}} AND seq IS NULL AND topic IN {FRAME_TOPICS}
AND at >= fromUnixTimestamp64Nano({{since_ns:Int64}}) GROUP BY stream_id"""  # noqa: S608 - its own names

SUPERSEDED_SQL = """
SELECT stream_id, counters FROM streams
WHERE stage = 'track' AND stream_id IN {streams:Array(String)}
AND arrayExists(name -> startsWith(name, 'superseded.'), mapKeys(counters))"""


def read_accounts(query: Query, since_ns: int) -> list[StreamAccount]:
    """The accounts of the streams that gateways reported since a time, over the epochs that they reported."""
    captures = query(CAPTURE_SQL, {"since_ns": since_ns})
    streams = {"streams": sorted({row["stream_id"] for row in captures})}
    written = _by_epoch(query(WRITTEN_SQL, streams))
    rows = _by_epoch(query(DETECTION_ROWS_SQL, streams))
    dead = _by_epoch(query(DEAD_SQL, streams))
    knows = any(row["counters"].get("truth_rows") for row in captures)
    truth = _by_epoch(query(TRUTH_ROWS_SQL, streams)) if knows else {}
    superseded = _superseded(query(SUPERSEDED_SQL, streams))
    accounts: dict[str, StreamAccount] = {}
    for capture in captures:
        key = (capture["stream_id"], capture["epoch"])
        account = _account(capture, written.get(key, {}), rows.get(key, {}), dead.get(key, {}))
        account = replace(account, truth_rows=truth.get(key, {}).get("truth_rows", 0))
        account = _explained(account, "superseded", superseded.get(key, 0))
        earlier = accounts.get(account.stream_id)
        accounts[account.stream_id] = _sum(earlier, account) if earlier else account
    for row in query(UNREADABLE_SQL, streams | {"since_ns": since_ns}):
        account = accounts[row["stream_id"]]
        accounts[account.stream_id] = _explained(account, "unreadable", row["letters"])
    return list(accounts.values())


def _explained(account: StreamAccount, reason: str, most: int) -> StreamAccount:
    """The account with up to so many of its missing frames put down to a reason that names no single frame.

    Repeats and records that were never a frame can be among what was counted, so it never explains more than
    is missing.
    """
    frames = min(most, account.in_flight)
    if frames <= 0:
        return account
    return replace(account, dropped=_sum_by_reason(account.dropped, {reason: frames}))


def _superseded(rows: Sequence[Row]) -> dict[tuple[str, int], int]:
    """Frames that the tracker passed over because the stream has a newer epoch, by stream and their epoch."""
    found: dict[tuple[str, int], int] = {}
    for row in rows:
        for name, count in row["counters"].items():
            prefix, _, epoch = name.partition(".")
            if prefix == "superseded" and epoch.isdecimal():
                key = (row["stream_id"], int(epoch))
                found[key] = max(count, found.get(key, 0))  # totals: the newest report has the largest
    return found


def _account(capture: Row, written: Row, rows: Row, dead: Row) -> StreamAccount:
    counters: Mapping[str, int] = capture["counters"]
    dropped = {
        name.removeprefix("dropped."): count
        for name, count in counters.items()
        if name.startswith("dropped.") and count
    }
    if dead.get("frames"):
        dropped["dead_letter"] = dead["frames"]
    # A gateway that was killed reported less than it had captured; the frames themselves know better.
    captured = max(counters.get("captured", 0), written.get("seen", 0), dead.get("seen", 0))
    return StreamAccount(
        stream_id=capture["stream_id"],
        captured=captured,
        written=written.get("frames", 0),
        dropped=dropped,
        left_out=written.get("left_out", {}),
        detections=written.get("detections", 0),
        detection_rows=rows.get("detection_rows", 0),
        truth=counters.get("truth_rows", 0),
        ended=capture["state"] != "running",
        failed=capture["state"] == "failed",
        message=capture["message"],
        notes=(f"epoch {capture['epoch']} of {capture['instance']}: {capture['message']}",)
        if capture["message"]
        else (),
    )


def _sum(a: StreamAccount, b: StreamAccount) -> StreamAccount:
    return StreamAccount(
        stream_id=a.stream_id,
        captured=a.captured + b.captured,
        written=a.written + b.written,
        dropped=_sum_by_reason(a.dropped, b.dropped),
        left_out=_sum_by_reason(a.left_out, b.left_out),
        detections=a.detections + b.detections,
        detection_rows=a.detection_rows + b.detection_rows,
        truth=a.truth + b.truth,
        truth_rows=a.truth_rows + b.truth_rows,
        ended=b.ended,
        failed=b.failed,
        message=b.message,
        notes=(*a.notes, *b.notes),
    )


def _sum_by_reason(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    return {reason: a.get(reason, 0) + b.get(reason, 0) for reason in sorted(a.keys() | b.keys())}


def _by_epoch(rows: Sequence[Row]) -> dict[tuple[str, int], Row]:
    return {(row["stream_id"], row["epoch"]): row for row in rows}

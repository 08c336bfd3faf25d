"""What a run came to, read from the tables: the JSON of --report and the numbers of the summary."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sightline.pipeline.accounts import Query, StreamAccount
from sightline.pipeline.truth import TruthReport

STAGES: Final = ("publish", "infer", "track", "write")

_BY_DESIGN: Final = frozenset({"overtaken", "queue_full", "stopped"})
"""A live camera drops what is late, and whoever stops a run wants no more frames: that is no loss."""

_OUR_FAULT: Final = frozenset({"delivery_failed", "delivery_timeout", "error", "superseded"})
"""Frames that were good and did not arrive."""

DELAYS_SQL: Final = """
SELECT quantileExact(0.5)(publish_ms) AS publish_p50, quantileExact(0.99)(publish_ms) AS publish_p99,
       quantileExact(0.5)(infer_ms) AS infer_p50, quantileExact(0.99)(infer_ms) AS infer_p99,
       quantileExact(0.5)(track_ms) AS track_p50, quantileExact(0.99)(track_ms) AS track_p99,
       quantileExact(0.5)(write_ms) AS write_p50, quantileExact(0.99)(write_ms) AS write_p99
FROM frames WHERE stream_id IN {streams:Array(String)}
AND captured_wall_at >= fromUnixTimestamp64Nano({since_ns:Int64})"""

SPAN_SQL: Final = """
SELECT count() AS frames, min(toUnixTimestamp64Nano(captured_wall_at)) AS first_ns,
       max(toUnixTimestamp64Nano(captured_wall_at) + toInt64(write_ms * 1e6)) AS last_ns
FROM frames WHERE stream_id IN {streams:Array(String)}
AND captured_wall_at >= fromUnixTimestamp64Nano({since_ns:Int64})"""

OBJECTS_SQL: Final = """
SELECT uniqExact(stream_id, track_id) AS tracks, uniqExact(label) AS labels FROM tracks
WHERE stream_id IN {streams:Array(String)}"""


@dataclass(frozen=True)
class Report:
    """What a run came to.

    Attributes:
        accounts: Where each stream's frames are.
        stages: Delay from capture to the end of each stage that a frame passed, p50 and p99 in ms.
        frames_per_s: Frames written, from the first captured to the last written.
        wall_s: How long the whole run took.
        tracks: How many tracks there are.
        labels: How many different labels.
        problems: What went wrong, for people; empty if nothing did.
        warnings: What people should know of the answers, though nothing went wrong.
        peak_rss_mib: Largest resident memory of each process, in MiB.
        truth: The comparison with the truth; None where no camera knows it.
    """

    accounts: Sequence[StreamAccount]
    stages: Mapping[str, Mapping[str, float]]
    frames_per_s: float
    wall_s: float
    tracks: int
    labels: int
    problems: Sequence[str] = ()
    warnings: Sequence[str] = ()
    peak_rss_mib: Mapping[str, float] = field(default_factory=dict)
    truth: TruthReport | None = None

    @property
    def ok(self) -> bool:
        """Whether every captured frame is accounted for and nothing went wrong."""
        return (
            not self.problems and bool(self.accounts) and all(account.balanced for account in self.accounts)
        )

    @property
    def lost(self) -> Mapping[str, int]:
        """Frames that should have been written and were not, by reason; dropped by design is not lost."""
        found: Counter[str] = Counter()
        for account in self.accounts:
            found.update({why: count for why, count in account.dropped.items() if why not in _BY_DESIGN})
        return dict(found)

    def as_json(self) -> dict[str, Any]:
        """The document that --report writes."""
        return {
            "ok": self.ok,
            "lost": dict(self.lost),
            "streams": {
                account.stream_id: {
                    "captured": account.captured,
                    "written": account.written,
                    "dropped": dict(account.dropped),
                    "in_flight": account.in_flight,
                    "left_out": dict(account.left_out),
                    "message": account.message,
                }
                for account in self.accounts
            },
            "stages": {name: dict(delays) for name, delays in self.stages.items()},
            "frames_per_s": round(self.frames_per_s, 2),
            "wall_s": round(self.wall_s, 2),
            "tracks": self.tracks,
            "labels": self.labels,
            "problems": list(self.problems),
            "warnings": list(self.warnings),
            "peak_rss_mib": dict(self.peak_rss_mib),
            **({"truth": self.truth.as_json()} if self.truth else {}),
        }


def stream_problems(accounts: Sequence[StreamAccount]) -> list[str]:
    """A sentence for each stream that failed, gave nothing, or lost good frames on their way."""
    found = []
    for account in accounts:
        ours = {why: count for why, count in account.dropped.items() if why in _OUR_FAULT}
        if account.failed:
            said = account.message
        elif not account.captured:
            said = "it ended without a single frame."
        elif not account.written and account.balanced:
            said = f"none of its {account.captured} frames was written: {reasons(account.dropped)}."
        elif ours:
            said = f"frames were lost on their way: {reasons(ours)}."
        else:
            continue
        found.append(f"{account.stream_id}: {said}")
    return found


def reasons(dropped: Mapping[str, int]) -> str:
    """Counts by reason, for people."""
    return ", ".join(f"{count} {reason}" for reason, count in sorted(dropped.items())) or "no reason is known"


def read_report(
    query: Query, accounts: Sequence[StreamAccount], since_ns: int, wall_s: float, problems: Sequence[str]
) -> Report:
    """Read the report of a run that began at `since_ns` from the tables."""
    which = {"streams": [account.stream_id for account in accounts], "since_ns": since_ns}
    span = query(SPAN_SQL, which)[0]
    objects = query(OBJECTS_SQL, which)[0]
    length_s = (span["last_ns"] - span["first_ns"]) / 1e9 if span["frames"] else 0.0
    return Report(
        accounts=accounts,
        stages=read_delays(query, which),
        frames_per_s=span["frames"] / length_s if length_s > 0 else 0.0,
        wall_s=wall_s,
        tracks=objects["tracks"],
        labels=objects["labels"],
        problems=problems,
    )


def read_delays(query: Query, which: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Delay from capture to the end of each stage that a frame passed, p50 and p99 in ms."""
    row = query(DELAYS_SQL, which)[0]
    found = {}
    for stage in STAGES:
        p50, p99 = row[f"{stage}_p50"], row[f"{stage}_p99"]
        if p50 is not None and p50 == p50:  # NaN, the quantile of nothing, is not equal to itself
            found[stage] = {"p50_ms": round(p50, 3), "p99_ms": round(p99, 3)}
    return found

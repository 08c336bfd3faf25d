"""`sightline audit`: where every captured frame is, and which numbers are in no table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sightline.pipeline.accounts import FRAME_TOPICS, Query, StreamAccount, read_accounts

GAPS_SQL: Final = f"""
SELECT stream_id, epoch, before + 1 AS first, toInt64(seq) - 1 AS last FROM (
    SELECT stream_id, epoch, seq,
           lagInFrame(toInt64(seq), 1, -1) OVER (
               PARTITION BY stream_id, epoch ORDER BY seq ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
    FROM (
        SELECT stream_id, epoch, seq FROM frames WHERE stream_id IN {{streams:Array(String)}}
        UNION DISTINCT
        SELECT stream_id, assumeNotNull(epoch), assumeNotNull(seq) FROM dead_letters
        WHERE stream_id IN {{streams:Array(String)}} AND seq IS NOT NULL AND topic IN {FRAME_TOPICS}))
WHERE toInt64(seq) > before + 1 ORDER BY stream_id, epoch, first"""  # noqa: S608 - its own names


LETTERS_SQL: Final = """
SELECT stream_id, stage, topic, count() AS letters, argMax(reason, at) AS reason FROM dead_letters
WHERE at >= fromUnixTimestamp64Nano({since_ns:Int64})
GROUP BY stream_id, stage, topic ORDER BY stream_id, stage, topic"""


@dataclass(frozen=True)
class Letters:
    """Records of one topic that a stage could not use.

    Attributes:
        stream_id: Whose, from the record or its key; "" if neither says it.
        stage: Who refused them.
        topic: Where they came from.
        count: How many.
        reason: Why the last one was refused.
    """

    stream_id: str
    stage: str
    topic: str
    count: int
    reason: str

    def __str__(self) -> str:
        letters = "dead letter" if self.count == 1 else "dead letters"
        why = f"{'why' if self.count == 1 else 'the last one'}: {self.reason}"
        return f"{self.count} {letters} of {self.stage} about {self.topic}, {why}"


@dataclass(frozen=True)
class Gap:
    """Frames of one epoch that are neither written nor dead letters, both ends included."""

    epoch: int
    first: int
    last: int

    @property
    def frames(self) -> int:
        """How many."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        numbers = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        return f"{numbers} of epoch {self.epoch}"


@dataclass(frozen=True)
class StreamAudit:
    """One stream's frames.

    Attributes:
        account: Captured, written, dropped and in flight.
        gaps: Which frames have no row, before the newest that has one. Frames that the gateway dropped are
            among them: it counts them by reason and keeps no list.
        letters: The dead letters about it.
    """

    account: StreamAccount
    gaps: Sequence[Gap] = field(default_factory=tuple)
    letters: Sequence[Letters] = field(default_factory=tuple)

    @property
    def unexplained(self) -> int:
        """Frames without a row that no reason accounts for; those of a running stream may be on their way."""
        return max(0, self.account.in_flight)

    @property
    def ok(self) -> bool:
        """Whether it balances, or is still running with frames on their way."""
        return self.account.balanced or (not self.account.ended and self.account.in_flight > 0)

    def as_json(self) -> dict[str, Any]:
        """The stream in the document of `sightline audit --json`."""
        return {
            "captured": self.account.captured,
            "written": self.account.written,
            "dropped": dict(self.account.dropped),
            "in_flight": self.account.in_flight,
            "left_out": dict(self.account.left_out),
            "ended": self.account.ended,
            "ok": self.ok,
            "gaps": [{"epoch": gap.epoch, "first": gap.first, "last": gap.last} for gap in self.gaps],
            "notes": list(self.account.notes),
            "dead_letters": [asdict(each) for each in self.letters],
        }


def read_audit(query: Query, since_ns: int, stream_id: str | None = None) -> list[StreamAudit]:
    """Audit the streams that gateways reported since a time, or the one that is named.

    Args:
        query: Runs a SELECT.
        since_ns: Unix nanoseconds.
        stream_id: Only this one.
    """
    accounts = [
        account for account in read_accounts(query, since_ns) if stream_id in (None, account.stream_id)
    ]
    gaps: dict[str, list[Gap]] = {}
    for row in query(GAPS_SQL, {"streams": [account.stream_id for account in accounts]}):
        gaps.setdefault(row["stream_id"], []).append(_gap(row))
    letters = read_letters(query, since_ns)
    return [
        StreamAudit(
            account,
            tuple(gaps.get(account.stream_id, ())),
            tuple(each for each in letters if each.stream_id == account.stream_id),
        )
        for account in accounts
    ]


def read_letters(query: Query, since_ns: int) -> list[Letters]:
    """The dead letters since a time, those too whose stream no gateway reported, or that tell no stream."""
    return [
        Letters(row["stream_id"], row["stage"], row["topic"], row["letters"], row["reason"])
        for row in query(LETTERS_SQL, {"since_ns": since_ns})
    ]


def _gap(row: Mapping[str, Any]) -> Gap:
    return Gap(row["epoch"], row["first"], row["last"])

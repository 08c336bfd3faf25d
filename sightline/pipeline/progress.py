"""How a run is going, stream by stream, read from the tables and shown while it goes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rich.table import Table

from sightline.pipeline.accounts import FRAME_TOPICS, Query

COUNTERS_SQL: Final = """
SELECT stream_id, stage, sum(count) AS count,
       if(stage = 'track', max(given_up), sum(given_up)) AS given_up FROM (
    SELECT stream_id, stage, epoch, instance,
           argMax(counters[if(stage = 'capture', 'captured', 'frames')], at) AS count,
           argMax(arraySum(mapValues(mapFilter(
               (name, _) -> startsWith(name, 'dropped.') OR startsWith(name, 'superseded.'), counters))), at)
               AS given_up
    FROM streams WHERE at >= fromUnixTimestamp64Nano({since_ns:Int64})
    GROUP BY stream_id, stage, epoch, instance)
GROUP BY stream_id, stage"""

LETTERS_SQL: Final = f"""
SELECT stream_id, count() AS letters FROM dead_letters
WHERE topic IN {FRAME_TOPICS} AND at >= fromUnixTimestamp64Nano({{since_ns:Int64}})
GROUP BY stream_id"""  # noqa: S608 - its own names

MESSAGES_SQL: Final = """
SELECT stream_id, epoch, argMax(instance, at) AS instance, argMax(state, at) AS state,
       argMax(message, at) AS message
FROM streams WHERE stage = 'capture' AND at >= fromUnixTimestamp64Nano({since_ns:Int64})
GROUP BY stream_id, epoch HAVING message != '' ORDER BY stream_id, epoch"""

WRITTEN_SQL: Final = """
SELECT stream_id, count() AS count,
       quantileIf(0.5)(write_ms, captured_wall_at >= fromUnixTimestamp64Nano({recent_ns:Int64})) AS p50_ms,
       quantileIf(0.99)(write_ms, captured_wall_at >= fromUnixTimestamp64Nano({recent_ns:Int64})) AS p99_ms
FROM frames WHERE captured_wall_at >= fromUnixTimestamp64Nano({since_ns:Int64})
GROUP BY stream_id"""

CAPTURED_SQL: Final = """
SELECT stream_id, max(epoch) AS newest, argMax(captured, epoch) AS captured FROM (
    SELECT stream_id, epoch, argMax(counters['captured'], at) AS captured FROM streams
    WHERE stage = 'capture' AND at >= fromUnixTimestamp64Nano({since_ns:Int64}) GROUP BY stream_id, epoch)
GROUP BY stream_id"""

NEWEST_ROW_SQL: Final = """
SELECT seq FROM frames WHERE stream_id = {stream_id:String} AND epoch = {epoch:UInt64}
ORDER BY captured_at DESC, epoch DESC, seq DESC LIMIT 1"""

COLUMNS: Final = ("captured", "inferred", "tracked", "written")
_COLUMN_OF_STAGE: Final = {"capture": "captured", "infer": "inferred", "track": "tracked"}


@dataclass(frozen=True)
class StreamProgress:
    """One stream at one moment.

    Attributes:
        totals: Frames so far, by column of `COLUMNS`.
        p50_ms: Median delay from capture to row of recent frames; None without any.
        p99_ms: 99th percentile of the same.
        given_up: Frames that no stage will write: dropped, superseded, dead letters.
        behind: Frames between the newest captured and the newest written, if that was looked up.
    """

    totals: Mapping[str, int]
    p50_ms: float | None = None
    p99_ms: float | None = None
    given_up: int = 0
    behind: int | None = None

    @property
    def lag(self) -> int:
        """Frames that are on their way: captured, not given up, and not yet written."""
        if self.behind is not None:
            return self.behind
        return max(0, self.totals.get("captured", 0) - self.given_up - self.totals.get("written", 0))


@dataclass(frozen=True)
class Sample:
    """All streams at one moment, by stream id."""

    at_s: float
    streams: Mapping[str, StreamProgress]


def read_sample(query: Query, since_ns: int, recent_ns: int, at_s: float) -> Sample:
    """Read where every stream is.

    Args:
        query: Runs a SELECT.
        since_ns: Start of the run, Unix nanoseconds.
        recent_ns: Delays are of frames captured after this, Unix nanoseconds.
        at_s: The moment, for rates.
    """
    totals: dict[str, dict[str, int]] = {}
    given_up: Counter[str] = Counter()
    for row in query(COUNTERS_SQL, {"since_ns": since_ns}):
        given_up[row["stream_id"]] += row["given_up"]
        if column := _COLUMN_OF_STAGE.get(row["stage"]):
            totals.setdefault(row["stream_id"], {})[column] = row["count"]
    delays: dict[str, tuple[float | None, float | None]] = {}
    for row in query(WRITTEN_SQL, {"since_ns": since_ns, "recent_ns": recent_ns}):
        totals.setdefault(row["stream_id"], {})["written"] = row["count"]
        delays[row["stream_id"]] = (_number(row["p50_ms"]), _number(row["p99_ms"]))
    for row in query(LETTERS_SQL, {"since_ns": since_ns}):
        given_up[row["stream_id"]] += row["letters"]
    return Sample(
        at_s,
        {
            name: StreamProgress(totals[name], *delays.get(name, (None, None)), given_up[name])
            for name in sorted(totals)
        },
    )


def with_frames_behind(query: Query, sample: Sample, since_ns: int) -> Sample:
    """The sample with how far each stream's newest row is behind its gateway.

    The lag of a sample is right only if it began before the streams did: counters are of a gateway's whole
    life, rows are counted from the sample's start. The numbers of the newest frames compare at any time, and
    no old rows have to be counted.

    Args:
        query: Runs a SELECT.
        sample: The sample.
        since_ns: Gateways that have not reported since are left as they are, Unix nanoseconds.
    """
    streams = dict(sample.streams)
    for row in query(CAPTURED_SQL, {"since_ns": since_ns}):
        name = row["stream_id"]
        newest = query(NEWEST_ROW_SQL, {"stream_id": name, "epoch": row["newest"]})
        written = newest[0]["seq"] + 1 if newest else 0
        if name in streams:
            streams[name] = replace(streams[name], behind=max(0, row["captured"] - written))
    return replace(sample, streams=streams)


def read_messages(query: Query, since_ns: int) -> list[str]:
    """What gateways said for people about their streams since a time, a line each."""
    return [
        f"{row['stream_id']}: {row['state']}, epoch {row['epoch']} of {row['instance']}: {row['message']}"
        for row in query(MESSAGES_SQL, {"since_ns": since_ns})
    ]


def rates(before: Sample, after: Sample) -> dict[str, dict[str, float]]:
    """Frames a second between two samples, by stream and column."""
    span_s = max(after.at_s - before.at_s, 1e-9)
    nothing = StreamProgress({})
    return {
        name: {
            column: (now.totals.get(column, 0) - before.streams.get(name, nothing).totals.get(column, 0))
            / span_s
            for column in COLUMNS
        }
        for name, now in after.streams.items()
    }


def progress_table(before: Sample, after: Sample, title: str) -> Table:
    """The live table for a terminal."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    table.add_column("stream")
    for column in (*(f"{name}/s" for name in COLUMNS), "lag", "p50 ms", "p99 ms"):
        table.add_column(column, justify="right")
    speed = rates(before, after)
    for name, stream in after.streams.items():
        cells = [f"{speed[name][column]:.1f}" if column in stream.totals else "-" for column in COLUMNS]
        table.add_row(name, *cells, str(stream.lag), _ms(stream.p50_ms), _ms(stream.p99_ms))
    return table


def progress_line(before: Sample, after: Sample, elapsed_s: float) -> str:
    """One plain line for a pipe: the sums over all streams."""
    speed = rates(before, after)
    sums = {column: sum(stream[column] for stream in speed.values()) for column in COLUMNS}
    lag = sum(stream.lag for stream in after.streams.values())
    p99 = worst([stream.p99_ms for stream in after.streams.values()])
    flow = "  ".join(f"{column} {sums[column]:.1f}/s" for column in COLUMNS)
    return f"{elapsed_s:5.0f} s  {len(after.streams)} streams  {flow}  lag {lag}  p99 {_ms(p99)} ms"


def worst(values: Sequence[float | None]) -> float | None:
    """The largest value that is there, or None."""
    return max((value for value in values if value is not None), default=None)


def _number(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"

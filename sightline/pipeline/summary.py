"""The end of a run for people: where the frames went, how long it took, and three questions in SQL."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sightline.pipeline.accounts import Query
from sightline.pipeline.report import Report, reasons
from sightline.pipeline.truth_summary import print_truth


@dataclass(frozen=True)
class Example:
    """A question, and the SQL that answers it."""

    question: str
    sql: str


EXAMPLES: Final = (
    Example(
        "How many objects of each kind did each camera see?",
        "SELECT stream_id, label, count() AS objects FROM (\n"
        "    SELECT stream_id, track_id, argMax(label, captured_at) AS label FROM classifications\n"
        "    GROUP BY stream_id, track_id)\n"
        "GROUP BY stream_id, label ORDER BY objects DESC LIMIT 8",
    ),
    Example(
        "Which objects stayed longest in view?",
        "SELECT stream_id, track_id, argMax(label, captured_at) AS kind,\n"
        "       round(dateDiff('ms', min(captured_at), max(captured_at)) / 1000, 1) AS seconds\n"
        "FROM tracks WHERE observed GROUP BY stream_id, track_id ORDER BY seconds DESC LIMIT 5",
    ),
    Example(
        "How fast is each stage, from capture, at the 99th percentile?",
        "SELECT stream_id, round(quantile(0.99)(infer_ms)) AS infer_ms,\n"
        "       round(quantile(0.99)(track_ms)) AS track_ms, round(quantile(0.99)(write_ms)) AS write_ms\n"
        "FROM frames GROUP BY stream_id ORDER BY stream_id LIMIT 8",
    ),
)


def print_summary(
    console: Console, report: Report, query: Query, examples: Sequence[Example] = EXAMPLES
) -> None:
    """Print a finished run's report and the answers to the example questions."""
    console.print()
    console.print(_frames_table(report))
    console.print()
    console.print(_stages_table(report))
    console.print(
        f"\n{report.tracks} tracks, {report.labels} labels, {report.frames_per_s:.1f} frames/s "
        f"in {report.wall_s:.0f} s",
        highlight=False,
    )
    for example in examples:
        console.print(f"\n[bold]{escape(example.question)}[/]", soft_wrap=True)
        console.print(f"[dim]{escape(example.sql)}[/]", soft_wrap=True, highlight=False)
        console.print(rows_table(query(example.sql, {})))
    if report.truth is not None:
        print_truth(console, report.truth)
    console.print()
    for warning in report.warnings:
        print_warning(console, warning)
    print_verdict(console, report)


def print_warning(console: Console, sentence: str) -> None:
    """Print what people should know though nothing went wrong."""
    console.print(f"[bold yellow]Warning[/]: {escape(sentence)}", soft_wrap=True, highlight=False)


def print_verdict(console: Console, report: Report) -> None:
    """Print whether all frames are accounted for, and what went wrong if something did."""
    if report.ok:
        console.print(_verdict(report), highlight=False, soft_wrap=True)
        return
    for problem in report.problems:
        console.print(f"[bold red]Problem[/]: {escape(problem)}", soft_wrap=True, highlight=False)
    for account in report.accounts:
        if not account.balanced:
            console.print(
                f"[bold red]Problem[/]: {account.stream_id}: of {account.captured} frames captured, "
                f"{account.in_flight} are unaccounted for.",
                soft_wrap=True,
                highlight=False,
            )
    if not report.accounts and not report.problems:
        console.print("[bold red]Problem[/]: no frame was captured.")


def rows_table(rows: Sequence[Any]) -> Table:
    """Rows of a query as a table."""
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in rows[0] if rows else ["(no rows)"]:
        table.add_column(str(name))
    for row in rows:
        table.add_row(*("-" if value is None else escape(str(value)) for value in row.values()))
    return table


def _verdict(report: Report) -> str:
    captured = sum(account.captured for account in report.accounts)
    dropped: Counter[str] = Counter()
    for account in report.accounts:
        dropped.update(account.dropped)
    if report.lost:
        return (
            f"[bold yellow]Not whole[/]: {sum(report.lost.values())} of {captured} captured frames are not "
            f"written: {escape(reasons(report.lost))}. All are accounted for."
        )
    also = f", {dropped.total()} dropped with a reason: {escape(reasons(dropped))}" if dropped else ""
    return f"[bold green]OK[/]: all {captured} captured frames are accounted for{also}."


def _frames_table(report: Report) -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("stream")
    for column in ("captured", "written", "dropped", "in flight", "detections"):
        table.add_column(column, justify="right")
    table.add_column("")
    for account in report.accounts:
        dropped = ", ".join(f"{count} {reason}" for reason, count in account.dropped.items()) or "0"
        table.add_row(
            account.stream_id,
            str(account.captured),
            str(account.written),
            dropped,
            str(account.in_flight),
            str(account.detections),
            escape(account.message),
        )
    return table


def _stages_table(report: Report) -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("delay from capture to")
    table.add_column("p50 ms", justify="right")
    table.add_column("p99 ms", justify="right")
    for name, delays in report.stages.items():
        table.add_row(name, f"{delays['p50_ms']:.1f}", f"{delays['p99_ms']:.1f}")
    return table

"""`sightline audit`: captured = written + dropped + in flight, stream by stream."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sightline.cli.context import output_console, settings_from
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from sightline.pipeline.audit import Letters, StreamAudit

MAX_GAPS_SHOWN: Final = 20
_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def audit(
    ctx: typer.Context,
    stream: Annotated[str | None, typer.Option(help="Only this stream.", show_default=False)] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Only what gateways reported in the last 30m, 2h, 7d …", show_default=False),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Data folder; default: the setting data.dir.", show_default=False)
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """Check that every captured frame is written, dropped with a reason, or still on its way.

    Exit code 0 if nothing is missing. Frames without a row are listed by number.
    """
    from sightline.pipeline.audit import read_audit, read_letters
    from sightline.pipeline.tables import open_query

    settings = settings_from(ctx, {"data.dir": data})
    since_ns = 0 if since is None else time.time_ns() - int(parse_age_s(since) * 1e9)
    with open_query(settings) as query:
        audits = read_audit(query, since_ns, stream)
        known = {each.account.stream_id for each in audits}
        others = [
            each
            for each in read_letters(query, since_ns)
            if each.stream_id not in known and stream in (None, each.stream_id)
        ]
    if not audits:
        _print_letters(output_console(), others)
        raise SightlineError("No gateway has reported such a stream.", "Check --stream and --since.")
    if json_:
        typer.echo(json.dumps({each.account.stream_id: each.as_json() for each in audits}, indent=2))
    else:
        _print(audits)
        _print_letters(output_console(), others)
    return 0 if all(each.ok for each in audits) else 1


def parse_age_s(text: str) -> float:
    """A time span such as 90s, 30m, 2h or 7d, in seconds; raises SightlineError."""
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS_S or not number.isdecimal():
        raise SightlineError(f"--since {text} is no time span.", "Write 90s, 30m, 2h or 7d.")
    return float(number) * _UNITS_S[unit]


def _print(audits: "list[StreamAudit]") -> None:
    console = output_console()
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("stream")
    for column in ("captured", "written", "dropped", "in flight"):
        table.add_column(column, justify="right")
    table.add_column("")
    for each in audits:
        account = each.account
        dropped = ", ".join(f"{count} {reason}" for reason, count in account.dropped.items()) or "0"
        verdict = (
            "ok" if each.ok else "[bold red]missing[/]" if account.in_flight > 0 else "[bold red]twice[/]"
        )
        table.add_row(
            account.stream_id,
            str(account.captured),
            str(account.written),
            dropped,
            str(account.in_flight),
            verdict,
        )
    console.print(table)
    for each in audits:
        if left_out := ", ".join(f"{count} {reason}" for reason, count in each.account.left_out.items()):
            name = escape(each.account.stream_id)
            console.print(f"{name}: the tracker's limits left out {left_out}", highlight=False)
        for note in each.account.notes:
            console.print(
                f"{escape(each.account.stream_id)}: {escape(note)}", highlight=False, soft_wrap=True
            )
        _print_letters(console, each.letters)
        for gap in each.gaps[:MAX_GAPS_SHOWN]:
            console.print(f"{escape(each.account.stream_id)}: no row for frame {gap}", highlight=False)
        if (more := len(each.gaps) - MAX_GAPS_SHOWN) > 0:
            console.print(f"{escape(each.account.stream_id)}: and {more} more gaps", highlight=False)


def _print_letters(console: Console, letters: "Sequence[Letters]") -> None:
    for each in letters:
        name = each.stream_id or "(no stream)"
        console.print(f"{name}: {each}", markup=False, highlight=False, soft_wrap=True)

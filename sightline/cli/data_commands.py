"""`sightline query`."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from sightline.cli.context import output_console, settings_from


class Format(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


_ENGINE_FORMATS = {Format.TABLE: "JSONCompact", Format.CSV: "CSVWithNames", Format.JSON: "JSONEachRow"}


def query(
    ctx: typer.Context,
    sql: Annotated[str, typer.Argument(metavar='"SELECT …"', help="One SELECT in ClickHouse's SQL.")],
    data: Annotated[
        Path | None, typer.Option(help="Data folder; default: the setting data.dir.", show_default=False)
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="How to print the answer.")] = Format.TABLE,
) -> None:
    """Ask the tables, while the system runs or after.

    Tables: tracks, frames, detections, classifications, streams, dead_letters; of cameras that know it, truth
    and truth_events.
    """
    from sightline.pipeline.questions import answer

    settings = settings_from(ctx, {"data.dir": data})
    text = answer(settings, sql, _ENGINE_FORMATS[format_])
    if format_ is Format.TABLE:
        _print_table(json.loads(text))
    elif format_ is Format.JSON:
        rows = [json.loads(line) for line in text.splitlines() if line]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        typer.echo(text, nl=False)


def _print_table(document: Any) -> None:
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in document["meta"]:
        numeric = column["type"].startswith(("Int", "UInt", "Float", "Decimal"))
        table.add_column(escape(column["name"]), justify="right" if numeric else "left")
    for row in document["data"]:
        table.add_row(*("" if value is None else escape(str(value)) for value in row))
    output_console().print(table)

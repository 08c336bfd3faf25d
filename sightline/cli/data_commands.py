"""`sightline query`."""

import json
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table

from sightline.cli.context import output_console, settings_from


class Format(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


MAX_TABLE_ROWS: Final = 200_000
MAX_FITTED_ROWS: Final = 200
_ENGINE_FORMATS: Final = {
    Format.TABLE: "JSONCompactStrings",
    Format.CSV: "CSVWithNames",
    Format.JSON: "JSONEachRow",
}
_NUMBERS: Final = ("Int", "UInt", "Float", "Decimal", "BFloat")


def query(
    ctx: typer.Context,
    sql: Annotated[
        str, typer.Argument(metavar='"SELECT …"', help="One statement in ClickHouse's SQL that reads.")
    ],
    data: Annotated[
        Path | None, typer.Option(help="Data folder; default: the setting data.dir.", show_default=False)
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="How to print the answer; a FORMAT in the SQL wins.")
    ] = Format.TABLE,
) -> None:
    """Ask the tables, while the system runs or after.

    Tables: tracks, frames, detections, classifications, streams, dead_letters; of cameras that know it, truth
    and truth_events.
    """
    from sightline.pipeline.questions import answer

    settings = settings_from(ctx, {"data.dir": data})
    max_rows = MAX_TABLE_ROWS if format_ is Format.TABLE else 0
    # In a locale without UTF-8 the bytes of a letter come one by one.
    sql = sql.encode(errors="surrogateescape").decode(errors="backslashreplace")
    found = answer(settings, sql, _ENGINE_FORMATS[format_], max_rows)
    if format_ is Format.TABLE and found.named_format is None:
        _print_table(json.loads(found.data))
    else:
        stdout = typer.get_binary_stream("stdout")
        stdout.write(found.data)
        stdout.flush()


def _print_table(document: Any) -> None:
    names = [column["name"] for column in document["meta"]]
    numeric = [column["type"].removeprefix("Nullable(").startswith(_NUMBERS) for column in document["meta"]]
    rows = [["" if value is None else value for value in row] for row in document["data"]]
    console = output_console()
    if len(rows) > MAX_FITTED_ROWS:
        for line in padded_lines([names, *rows], numeric):
            typer.echo(line)
        return
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, is_number in zip(names, numeric, strict=True):
        table.add_column(escape(name), justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def padded_lines(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> Iterator[str]:
    """The rows as lines of columns, two spaces apart; what a terminal would not print is escaped.

    Fitting a table of 5,000 rows and 12 columns into a terminal takes rich half a minute.

    Args:
        rows: The texts, row by row.
        right: Which columns are set to the right.
    """
    rows = [[_one_line(text) for text in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            " " * (width - cell_len(text)) + text if is_right else text + " " * (width - cell_len(text))
            for text, width, is_right in zip(row, widths, right, strict=True)
        ]
        yield "  ".join(cells).rstrip()


def _one_line(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)

"""`sightline dead-letters`: list what stages refused, look at one record, send it to its topic again."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from sightline.cli.audit import parse_age_s
from sightline.cli.context import output_console, settings_from
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from sightline.dead_letters import DeadLetterLog, Filter, StoredLetter
    from sightline.settings import KafkaSettings

HEAD_BYTES: Final = 256
MAX_REFUSED_SHOWN: Final = 20

Stream = Annotated[str | None, typer.Option(help="Only this stream.", show_default=False)]
Stage = Annotated[str | None, typer.Option(help="Only what this stage refused.", show_default=False)]
Since = Annotated[
    str | None, typer.Option(help="Only what was refused in the last 30m, 2h, 7d …", show_default=False)
]
Data = Annotated[
    Path | None,
    typer.Option(help="Data folder of a running system, for its broker.", show_default=False),
]

dead_letters_app = typer.Typer(no_args_is_help=True, help="Records that a stage could not use.")


@dead_letters_app.command("list")
def list_letters(
    ctx: typer.Context,
    stream: Stream = None,
    stage: Stage = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    data: Data = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """List dead letters, the newest last: which record, who refused it, why, and whether it was retried."""
    from sightline.dead_letters import select

    wanted = _filter(stream, stage, since)
    with _open(ctx, data) as (_, log):
        collected = log.read(wanted.since_ns)
    found = select(collected.letters, [], wanted)
    shown = found[-limit:]
    if json_:
        typer.echo(json.dumps([_as_json(stored) for stored in shown], indent=2))
        return
    _print(shown)
    console = output_console()
    if len(found) > len(shown):
        console.print(f"… and {len(found) - len(shown)} older ones; --limit shows more.")
    if collected.strangers:
        console.print(f"{collected.strangers} records in the topic are no dead letters.")


@dead_letters_app.command()
def show(
    ctx: typer.Context,
    place: Annotated[str, typer.Argument(metavar="TOPIC/PARTITION/OFFSET", help="As `list` shows it.")],
    output: Annotated[
        Path | None, typer.Option(help="Write the record's bytes to this file.", show_default=False)
    ] = None,
    data: Data = None,
) -> None:
    """Show one dead letter: why it was refused, and what is in it."""
    from sightline.dead_letters import Filter, parse_place, select
    from sightline.dead_letters.view import describe, hexdump

    origin = parse_place(place)
    with _open(ctx, data) as (_, log):
        found = select(log.read().letters, [origin], Filter())
        value = next(value for _, value in log.values(found[:1]))
    for stored in found:
        for name, text in _as_json(stored).items():
            typer.echo(f"{name}: {'' if text is None else text}")
    if output is not None:
        try:
            output.write_bytes(value)
        except OSError as error:
            raise SightlineError(
                f"{output} cannot be written: {error.strerror}.", "Check the path."
            ) from error
        typer.echo(f"{len(value)} bytes are in {output}")
        return
    typer.echo(f"\n{describe(value)}\n\n{hexdump(value[:HEAD_BYTES])}")
    if len(value) > HEAD_BYTES:
        typer.echo(f"… {len(value) - HEAD_BYTES} more bytes; --output FILE writes them all.")


@dead_letters_app.command()
def retry(
    ctx: typer.Context,
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOPIC/PARTITION/OFFSET]…", help="Which; or name them by the options."),
    ] = None,
    stream: Stream = None,
    stage: Stage = None,
    since: Since = None,
    again: Annotated[bool, typer.Option("--again", help="Also those that were retried before.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = None,
) -> None:
    """Send records to the topics that they came from, unchanged, such as after a stage was mended.

    Exit code 1 if a topic did not take one back. A frame that is older than the newest that was tracked of
    its stream gets its detections; the tracker does not go back in time.
    """
    from sightline.dead_letters import parse_place, select, send_again

    named = [parse_place(text) for text in places or []]
    if not named and (stream, stage, since) == (None, None, None):
        raise SightlineError(
            "It is not said what to retry.", "Name records, or give --stream, --stage or --since."
        )
    wanted = _filter(stream, stage, since)
    with _open(ctx, data) as (kafka, log):
        found = select(log.read(0 if named else wanted.since_ns).letters, named, wanted)
        chosen = [stored for stored in found if again or stored.retried_at_ns is None]
        records = len({stored.origin for stored in chosen})
        if skipped := len({stored.origin for stored in found}) - records:
            typer.echo(f"{_count(skipped)} retried before; --again sends them once more.")
        if not records:
            typer.echo("Nothing to retry.")
            return
        if not yes:
            topics = ", ".join(sorted({stored.letter.topic for stored in chosen}))
            typer.confirm(f"Send {records} records again to {topics}?", abort=True)
        sent, refused = send_again(kafka, log, chosen, time.time_ns)
    typer.echo(f"{sent} of {records} records sent again.")
    for each in refused[:MAX_REFUSED_SHOWN]:
        typer.echo(f"{each.origin} was refused: {each.reason}")
    if refused:
        raise typer.Exit(1)


def _count(records: int) -> str:
    return "1 record was" if records == 1 else f"{records} records were"


def _filter(stream: str | None, stage: str | None, since: str | None) -> "Filter":
    from sightline.dead_letters import Filter

    since_ns = 0 if since is None else time.time_ns() - int(parse_age_s(since) * 1e9)
    return Filter(stream, stage, since_ns)


@contextmanager
def _open(ctx: typer.Context, data: Path | None) -> "Iterator[tuple[KafkaSettings, DeadLetterLog]]":
    """The broker of the settings, else of the system that runs in the data folder, and its topic."""
    from sightline.dead_letters import DeadLetterLog
    from sightline.stack.datadir import read_stack

    settings = settings_from(ctx, {"data.dir": data})
    kafka = settings.kafka
    if kafka.bootstrap is None:
        state = read_stack(settings.data.dir.absolute())
        if state is None or not state.kafka:
            raise SightlineError(
                f"No broker is named, and nothing runs in {settings.data.dir}.",
                "Start it with `sightline up`, name its folder with --data, or set kafka.bootstrap.",
            )
        kafka = kafka.model_copy(update={"bootstrap": str(state.kafka["bootstrap"])})
    with DeadLetterLog(kafka) as log:
        yield kafka, log


def _as_json(stored: "StoredLetter") -> dict[str, Any]:
    from sightline.dead_letters.letters import stream_of

    letter = stored.letter
    return {
        "record": str(stored.origin),
        "at": _time(letter.at_ns),
        "stage": letter.stage,
        "stream_id": stream_of(letter),
        "epoch": letter.epoch,
        "seq": letter.seq,
        "bytes": stored.size_bytes,
        "retried_at": None if stored.retried_at_ns is None else _time(stored.retried_at_ns),
        "reason": letter.reason,
    }


def _print(letters: "list[StoredLetter]") -> None:
    table = Table(header_style="bold", box=None, pad_edge=False)
    for column in ("record", "at", "stage", "stream"):
        table.add_column(column)
    table.add_column("bytes", justify="right")
    table.add_column("retried")
    table.add_column("reason")
    for stored in letters:
        row = _as_json(stored)
        names = ("record", "at", "stage", "stream_id", "bytes", "retried_at", "reason")
        table.add_row(*(escape("" if row[name] is None else str(row[name])) for name in names))
    output_console().print(table)


def _time(at_ns: int) -> str:
    try:
        return datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError):
        return f"{at_ns} ns"  # whatever the header said

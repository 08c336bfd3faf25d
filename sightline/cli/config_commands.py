"""`sightline config check` and `sightline topics apply`."""

from typing import Annotated

import typer
from rich.table import Table

from sightline.cli.context import loaded_from, output_console, settings_from
from sightline.errors import SightlineError
from sightline.settings_sources import explain, variable

config_app = typer.Typer(no_args_is_help=True, help="Settings.")
topics_app = typer.Typer(no_args_is_help=True, help="Kafka topics.")


@config_app.callback()
def _config() -> None:
    """Settings."""


@topics_app.callback()
def _topics() -> None:
    """Kafka topics."""


@config_app.command()
def check(ctx: typer.Context) -> None:
    """Check the settings, and say of each its value, where it comes from, and what it is for."""
    loaded = loaded_from(ctx)
    table = Table("setting", "value", "from", "what it is for", box=None, header_style="bold", pad_edge=False)
    for item in explain(loaded):
        set_by_someone = item.origin != "default"
        value = "(unset)" if item.value is None else str(item.value)
        style = "bold" if set_by_someone else ""
        table.add_row(item.key, value, item.origin, item.description, style=style)
    console = output_console()
    console.print(table)
    example = variable("kafka.bootstrap")
    console.print(
        f"\nSettings are valid. In the environment a setting is named like {example}.", highlight=False
    )


@topics_app.command()
def apply(
    ctx: typer.Context,
    bootstrap: Annotated[
        str | None, typer.Option(help="host:port of the broker.", show_default=False)
    ] = None,
) -> None:
    """Create the topics that are missing, and bring the settings of the others in line."""
    from sightline.topic_admin import apply_topics

    settings = settings_from(ctx, {"kafka.bootstrap": bootstrap})
    if settings.kafka.bootstrap is None:
        raise SightlineError("No broker is named.", "Give --bootstrap HOST:PORT or set kafka.bootstrap.")
    for result in apply_topics(settings.kafka):
        typer.echo(f"{result.name}: {result.action}{f' ({result.detail})' if result.detail else ''}")

"""Puts the command line together: our own commands, and those that the stages register as entry points.

The stages are found by their entry points (`sightline.commands` and `sightline.bench` in pyproject.toml),
so that this package imports none of them.
"""

import functools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from typer.core import TyperGroup

from sightline.cli import STOPPED_BY_USER, data_commands, stack_commands
from sightline.cli.audit import audit
from sightline.cli.config_commands import config_app, topics_app
from sightline.cli.context import CliContext, parse_values
from sightline.cli.dead_letters import dead_letters_app
from sightline.cli.doctor import doctor
from sightline.errors import SightlineError
from sightline.redaction import scrubbed

_log = logging.getLogger(__name__)

_COMMANDS: Final[Mapping[str, Sequence[Callable[..., int | None]]]] = {
    "The whole system": (stack_commands.demo, stack_commands.run, stack_commands.up, stack_commands.down),
    "Look inside": (stack_commands.status, data_commands.query, audit, doctor),
}
_STAGES: Final = ("produce", "infer", "track", "write")


class _Commands(TyperGroup):
    """All commands. A complaint about a word quotes it, and it may be an address."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the words before the command."""
        with _scrubbed_complaint():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Read the words of the command and run it."""
        with _scrubbed_complaint():
            return super().invoke(ctx)


@contextmanager
def _scrubbed_complaint() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # A usage error; Typer has no public name for its class.
        if isinstance(message := getattr(error, "message", None), str):
            error.message = scrubbed(message)  # type: ignore[attr-defined]  # it has one, as was seen
        raise


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="sightline",
        cls=_Commands,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Many cameras in, questions you can ask in SQL out.",
        epilog="Settings come from the command line, else SIGHTLINE_SECTION_KEY in the environment, else "
        "sightline.toml; `sightline config check` lists them all.",
    )
    app.callback()(_global_options)
    for panel, commands in _COMMANDS.items():
        for command in commands:
            # SQL that begins with a comment, `-- such as this`, is no option.
            options = {"ignore_unknown_options": command is data_commands.query}
            app.command(rich_help_panel=panel, context_settings=options)(_exiting(command))
    app.add_typer(dead_letters_app, name="dead-letters", rich_help_panel="Look inside")
    app.add_typer(config_app, name="config", rich_help_panel="Set up")
    app.add_typer(topics_app, name="topics", rich_help_panel="Set up")
    _add_entry_points(app)
    bench_app = typer.Typer(no_args_is_help=True, help="Measure. Every bench prints one JSON document.")
    for point in sorted(entry_points(group="sightline.bench"), key=lambda point: point.name):
        bench_app.command(name=point.name)(_exiting(point.load()))
    app.add_typer(bench_app, name="bench", rich_help_panel="Set up")
    return app


def _add_entry_points(app: typer.Typer) -> None:
    """Add what other packages bring: a stage is one command, anything else a group of commands (a Typer)."""
    points = {point.name: point for point in entry_points(group="sightline.commands")}
    for name in _STAGES:
        app.command(name=name, rich_help_panel="Stages")(_exiting(points.pop(name).load()))
    for name in sorted(points):
        app.add_typer(points[name].load(), name=name, rich_help_panel="Set up")


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code. An expected problem is two lines, never a traceback."""
    try:
        build()(args=list(arguments))
    except SightlineError as error:
        say_error(error)
        return 1
    except OSError as error:
        _log.debug("The command ended in an error", exc_info=True)
        where = f" ({error.filename})" if error.filename else ""
        say_error(
            SightlineError(f"{error.strerror or error}{where}.", "Check the path, its rights and its disk.")
        )
        return 1
    except KeyboardInterrupt:
        return STOPPED_BY_USER
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def say_error(error: SightlineError) -> None:
    """Print an error for people, to standard error."""
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]Error:[/] {_plain(scrubbed(error.what))}", soft_wrap=True)
    if error.fix:
        console.print(f"       {_plain(scrubbed(error.fix))}", soft_wrap=True)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sightline {version('sightline')}")
        raise typer.Exit


def _exiting(command: Callable[..., int | None]) -> Callable[..., None]:
    """The command as Typer wants it: a number that it returns becomes the exit code."""

    @functools.wraps(command)
    def wrapped(*args: Any, **options: Any) -> None:
        if code := command(*args, **options):
            raise typer.Exit(code)

    return wrapped


def _global_options(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(help="Settings file; default: sightline.toml if there is one.", show_default=False),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="SECTION.KEY=VALUE", help="One setting; may be repeated.", show_default=False
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    ctx.obj = CliContext(config, parse_values(set_ or []))

"""What every command gets from the words before it: the settings file and single settings."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console

from sightline.errors import SightlineError
from sightline.redaction import ScrubbingFormatter
from sightline.settings import Settings
from sightline.settings_sources import Loaded, load

WIDE_COLUMNS: Final = 10_000
LOG_FORMAT: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


@dataclass(frozen=True)
class CliContext:
    """The global options.

    Attributes:
        config: The file given with --config.
        values: The settings given with --set, by `section.key`.
    """

    config: Path | None = None
    values: Mapping[str, str] = field(default_factory=dict)


def parse_values(pairs: list[str]) -> dict[str, str]:
    """Turn `section.key=value` words into a map; raises SightlineError for one without an equals sign."""
    values = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or "." not in key:
            raise SightlineError(
                f"--set {pair} is not of the form section.key=value.", "Try --set kafka.heap_mb=512."
            )
        values[key] = value
    return values


def loaded_from(ctx: typer.Context, overrides: Mapping[str, Any] | None = None) -> Loaded:
    """Load the settings for a command; its own options go over --set, which goes over everything else."""
    context: CliContext = ctx.obj or CliContext()
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    return load(os.environ, file=context.config, overrides={**context.values, **given})


def settings_from(ctx: typer.Context, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings of `loaded_from`."""
    return loaded_from(ctx, overrides).settings


def log_to_stderr(settings: Settings) -> None:
    """Let a stage log plain lines to standard error, with no password in an address."""
    logging.basicConfig(level=settings.log.level.upper(), force=True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(ScrubbingFormatter(LOG_FORMAT))
    if settings.log.level == "info":
        for chatty in ("aiokafka", "faust", "mode"):
            logging.getLogger(chatty).setLevel(logging.WARNING)


def output_console() -> Console:
    """A console for tables on standard output; what is not a terminal is so wide that nothing is cut."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE_COLUMNS)

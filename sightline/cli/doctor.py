"""`sightline doctor`: looks at everything that Sightline needs and says what to do about what is missing."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from sightline.cli.context import settings_from
from sightline.redaction import scrubbed

if TYPE_CHECKING:
    from sightline.stack.machine import Finding

_MARKS = {
    "good": "[bold green]ok[/]     ",
    "note": "[bold yellow]note[/]   ",
    "bad": "[bold red]missing[/]",
}


def doctor(
    ctx: typer.Context,
    data: Annotated[
        Path | None, typer.Option(help="Data folder; default: the setting data.dir.", show_default=False)
    ] = None,
) -> int:
    """Check Python, Java, Triton, ports, disk, libraries and the servers that the settings name.

    Exit code 0 if everything that is needed is there.
    """
    from sightline.stack.checks import examine
    from sightline.stack.machine import Verdict

    settings = settings_from(ctx, {"data.dir": data})
    console = Console()
    findings = list(examine(settings, os.environ))
    for finding in findings:
        _print(console, finding)
    return 0 if all(finding.verdict is not Verdict.BAD for finding in findings) else 1


def _print(console: Console, finding: "Finding") -> None:
    console.print(
        f"{_MARKS[finding.verdict.value]}  {finding.subject}: {escape(scrubbed(finding.said))}",
        highlight=False,
        soft_wrap=True,
    )
    if finding.fix:
        console.print(f"         {escape(finding.fix)}", highlight=False, soft_wrap=True)

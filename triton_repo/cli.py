"""The commands `sightline models …`: bring a detector, and make it fast on a device."""

import typer

models = typer.Typer(no_args_is_help=True, help="Detectors: bring your own, build, measure.")


@models.callback()
def _models() -> None:
    """Detectors: bring your own, build, measure."""

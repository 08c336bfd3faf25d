"""The command `sightline produce`."""

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.context import log_to_stderr, settings_from
from sightline.errors import SightlineError
from sightline.settings import Mode, Settings, StreamSettings


def produce(
    ctx: typer.Context,
    source: Annotated[
        str | None,
        typer.Argument(help="A file, an address, or synthetic:KIND; default: all streams of the settings."),
    ] = None,
    stream: Annotated[
        str | None, typer.Option(help="Stream id; default: made from the source.", show_default=False)
    ] = None,
    mode: Annotated[
        Mode | None,
        typer.Option(help="frames: the server detects. detections: this gateway does.", show_default=False),
    ] = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Read a file at its own rate, as a camera.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(help="Folder that remembers each stream's epoch; default: in the data folder."),
    ] = None,
) -> int:
    """Run a gateway: capture cameras and publish their frames, or what it detects itself."""
    from producers.service import serve_gateway

    settings = settings_from(ctx, {"gateway.mode": mode})
    log_to_stderr(settings)
    streams = _streams(settings, source, stream, realtime=realtime)
    return serve_gateway(streams, settings, state or settings.data.dir / "gateway")


def _streams(
    settings: Settings, source: str | None, stream: str | None, *, realtime: bool
) -> dict[str, StreamSettings]:
    if source is not None:
        from sightline.pipeline.cameras import stream_id_of

        return {stream or stream_id_of(source): StreamSettings(source=source, realtime=realtime)}
    if not settings.streams:
        raise SightlineError(
            "No camera is named.", "Give a source, or a table [streams.NAME] in the settings file."
        )
    return dict(settings.streams)

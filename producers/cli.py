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
        str | None,
        typer.Option(
            help="Stream id of the source; default: made from it. Without a source: that of the settings.",
            show_default=False,
        ),
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
    state_dir = state or settings.data.dir / "gateway"
    streams = _streams(settings, source, stream, state_dir, realtime=realtime)
    return serve_gateway(streams, settings, state_dir)


def _streams(
    settings: Settings, source: str | None, stream: str | None, state_dir: Path, *, realtime: bool
) -> dict[str, StreamSettings]:
    if source is not None:
        return _stream_of_source(source, stream, state_dir, realtime=realtime)
    if stream is not None and stream not in settings.streams:
        there = f"There are {', '.join(settings.streams)}." if settings.streams else "They name none."
        raise SightlineError(f"The settings have no stream {stream!r:.80}.", f"{there} Or give a source.")
    if not settings.streams:
        raise SightlineError(
            "No camera is named.", "Give a source, or a table [streams.NAME] in the settings file."
        )
    return {stream: settings.streams[stream]} if stream is not None else dict(settings.streams)


def _stream_of_source(
    source: str, stream: str | None, state_dir: Path, *, realtime: bool
) -> dict[str, StreamSettings]:
    from sightline.known_sources import read_known
    from sightline.stream_names import check_source, check_stream_id, name_sources

    if stream is not None:
        check_stream_id(stream)
    check_source(source)
    (name,) = [stream] if stream is not None else name_sources([source], read_known(state_dir))
    return {name: StreamSettings(source=source, realtime=realtime)}

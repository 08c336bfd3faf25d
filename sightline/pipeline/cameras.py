"""Which cameras a pipeline has, and what their streams are called."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sightline.addresses import parse_address
from sightline.errors import SightlineError
from sightline.known_sources import moved, read_known
from sightline.redaction import shown
from sightline.settings import Mode, Settings
from sightline.stream_names import (
    check_apart,
    check_source,
    check_stream_id,
    derived_id,
    identity_of,
    is_synthetic,
    name_sources,
)


@dataclass(frozen=True)
class Camera:
    """One source and how it is read.

    Attributes:
        stream_id: Name of its stream.
        source: A file, an address, or synthetic:NUMBER.
        mode: Whether the server detects ("frames") or the gateway ("detections").
        realtime: Read a file at its own rate, as a camera.
        note: A sentence about its name for people, empty if there is nothing to say.
    """

    stream_id: str
    source: str
    mode: Mode
    realtime: bool = False
    note: str = ""

    @property
    def is_live(self) -> bool:
        """Whether the source goes on by itself, so that what is not read in time is gone."""
        return self.realtime or is_synthetic(self.source) or "://" in self.source


def cameras_of_sources(
    sources: Sequence[str],
    mode: Mode,
    *,
    realtime: bool,
    named: Iterable[str] = (),
    state_dir: Path | None = None,
) -> list[Camera]:
    """One camera a source.

    Args:
        sources: Files, addresses and synthetic cameras, which get an id that follows from what they are.
        mode: Of all of them.
        realtime: Of all of them.
        named: The same as NAME=SOURCE, with the id in front.
        state_dir: Where gateways keep which source a stream comes from; None if there is no such folder.

    Raises:
        SightlineError: A name or a source is none, or two are the same; says which.
    """
    given = [_named(text) for text in named]
    for source in (*sources, *(source for _, source in given)):
        check_source(source)
    check_apart(name for name, _ in given)
    known = read_known(state_dir) if state_dir is not None else {}
    names = name_sources(sources, known, [name for name, _ in given])
    found = [
        Camera(name, source, mode, realtime, moved(name, identity_of(source), known.get(name, ())))
        for name, source in given
    ]
    for name, source in zip(names, sources, strict=True):
        found.append(Camera(name, source, mode, realtime, _note(name, source, known)))
    return found


def cameras_of_settings(settings: Settings) -> list[Camera]:
    """The cameras that the settings file names."""
    return [
        Camera(stream_id, stream.source, stream.mode or settings.gateway.mode, stream.realtime)
        for stream_id, stream in settings.streams.items()
    ]


def _named(text: str) -> tuple[str, str]:
    name, equals, source = text.partition("=")
    if not equals or not source or parse_address(name):
        raise SightlineError(
            f"--stream {shown(text)} is not of the form NAME=SOURCE.",
            "Try --stream gate=rtsp://10.0.0.7/live.",
        )
    return check_stream_id(name), source


def _note(name: str, source: str, known: Mapping[str, Sequence[str]]) -> str:
    """What people should know about the id that a source was given."""
    own = derived_id(source)
    if name not in known and own in known and name != own:
        return (
            f"{shown(source)} is the stream {name}: in this data folder {own} comes from {known[own][-1]}. "
            f"--stream {own}={shown(source)} would go on with that one."
        )
    return "" if Path(source).stem == name else f"{shown(source)} is the stream {name}."

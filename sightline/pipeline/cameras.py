"""Which cameras a pipeline has, and what their streams are called."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from schemas.wire import legal_stream_id
from sightline.settings import Mode, Settings


@dataclass(frozen=True)
class Camera:
    """One source and how it is read.

    Attributes:
        stream_id: Name of its stream.
        source: A file, an address, or synthetic:NUMBER.
        mode: Whether the server detects ("frames") or the gateway ("detections").
        realtime: Read a file at its own rate, as a camera.
    """

    stream_id: str
    source: str
    mode: Mode
    realtime: bool = False

    @property
    def is_live(self) -> bool:
        """Whether the source goes on by itself, so that what is not read in time is gone."""
        return self.realtime or self.source.startswith(("rtsp:", "rtsps:", "http:", "https:", "synthetic:"))


def stream_id_of(source: str) -> str:
    """The stream id of a source: a file's name without its extension, made legal; an address's last part."""
    if "://" in source:
        parts = urlsplit(source)
        path = PurePosixPath(parts.path)
        return legal_stream_id(path.stem or parts.hostname or "stream")
    if source.startswith("synthetic:"):
        return legal_stream_id(source.partition("?")[0].replace(":", "-"))
    return legal_stream_id(PurePosixPath(source.replace("\\", "/")).stem)


def cameras_of_sources(sources: Sequence[str], mode: Mode, *, realtime: bool) -> list[Camera]:
    """One camera a source; sources with the same name get -2, -3 and so on behind it."""
    return _unique(Camera(stream_id_of(source), source, mode, realtime) for source in sources)


def cameras_of_settings(settings: Settings) -> list[Camera]:
    """The cameras that the settings file names."""
    return [
        Camera(stream_id, stream.source, stream.mode or settings.gateway.mode, stream.realtime)
        for stream_id, stream in settings.streams.items()
    ]


def _unique(cameras: Iterable[Camera]) -> list[Camera]:
    found: list[Camera] = []
    taken: set[str] = set()
    for camera in cameras:
        name, number = camera.stream_id, 1
        while name in taken:
            number += 1
            name = f"{camera.stream_id[:60]}-{number}"
        taken.add(name)
        found.append(replace(camera, stream_id=name))
    return found

"""What a media file says about itself: its tracks, and whether it is whole. Read with MediaInfo."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pymediainfo import MediaInfo

_MEASURED: Final = ("Flash Video", "MPEG-4")  # up to where the file ends, whatever its header says
_COUNTED_CODECS: Final = ("AVC", "HEVC", "VP8", "VP9", "AV1")
_MAX_COUNTED_BYTES: Final = 1 << 30
_PACKET_BYTES: Final = (188, 192, 204)  # of a transport stream: as it is, with time codes, with parity


@dataclass(frozen=True)
class FileFacts:
    """What a media file says about itself.

    Attributes:
        container: Name of its format, empty if it is not known.
        video_codecs: Of each video track, as the file names it.
        audio_codecs: Of each audio track.
        video_s: How long its first video track says it is; 0 if it does not say.
        frames: How many pictures its index holds, for containers whose index can be believed; 0 for others.
        is_broken: Whether its structure is damaged somewhere, or promises more bytes than there are.
        ends_in_packet: Whether it is an MPEG transport stream that ends within one of its packets.
    """

    container: str = ""
    video_codecs: tuple[str, ...] = ()
    audio_codecs: tuple[str, ...] = ()
    video_s: float = 0.0
    frames: int = 0
    is_broken: bool = False
    ends_in_packet: bool = False

    @property
    def is_matroska(self) -> bool:
        """Whether it is Matroska, or WebM, which is a kind of it."""
        return self.container in ("Matroska", "WebM")

    @property
    def sound_only(self) -> bool:
        """Whether it holds sound and no video; the picture of a record's cover is no video."""
        return bool(self.audio_codecs) and not self.video_codecs


NO_FACTS: Final = FileFacts()


def read_file_facts(path: Path) -> FileFacts:
    """Read what a file says about itself; of one that MediaInfo cannot read nothing is known."""
    try:
        found = MediaInfo.parse(str(path))
    except (OSError, RuntimeError):
        return NO_FACTS
    general = found.general_tracks[0].to_data() if found.general_tracks else {}
    video = found.video_tracks[0].to_data() if found.video_tracks else {}
    container = str(general.get("format", ""))
    frames = int(video.get("frame_count") or 0) if container == "MPEG-4" else 0
    if _is_mp4(path):
        container = "MPEG-4"  # which MediaInfo calls by its brand, where it is in fragments
    is_cut = general.get("istruncated") == "Yes"
    return FileFacts(
        container=container,
        video_codecs=tuple(_codec(track.to_data()) for track in found.video_tracks),
        audio_codecs=tuple(_codec(track.to_data()) for track in found.audio_tracks),
        video_s=0.0 if container in _MEASURED else float(video.get("duration") or 0) / 1000,
        # Elsewhere the number is worked out from a length and a rate, or counts pictures that were left out.
        frames=0 if is_cut else frames,
        is_broken=is_cut or bool(general.get("conformance_errors")),
        ends_in_packet=container == "MPEG-TS" and all(path.stat().st_size % size for size in _PACKET_BYTES),
    )


def count_blocks(path: Path) -> int:
    """Count the encoded pictures of a Matroska file, those in damaged places too; 0 if that cannot be told.

    Goes through the whole file, some 8 s for each GB, so it is not done for large ones.
    """
    if path.stat().st_size > _MAX_COUNTED_BYTES:
        return 0
    try:
        found = MediaInfo.parse(str(path), parse_speed=1.0, full=True)
    except (OSError, RuntimeError):
        return 0
    video = found.video_tracks[0].to_data() if found.video_tracks else {}
    # For other codecs it multiplies length and rate.
    return int(video.get("frame_count") or 0) if video.get("format") in _COUNTED_CODECS else 0


def _is_mp4(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] == b"ftyp"


def _codec(track: dict[str, object]) -> str:
    names = dict.fromkeys(
        str(track[name]) for name in ("format", "codec_id", "encryption") if track.get(name)
    )
    return ", ".join(names) or "not named"

"""Small videos for tests: written by OpenCV or by hand, and damaged."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from producers.ffmpeg import open_packets

SIZE = (64, 48)


def picture(brightness: int) -> NDArray[np.uint8]:
    """A picture of one brightness, 0 to 255, all over."""
    return np.full((SIZE[1], SIZE[0], 3), brightness, dtype=np.uint8)


def write_video(path: Path, fourcc: str, count: int = 75) -> Path:
    """A video at 25 frames/s whose frame `i` has the brightness `3 i` modulo 256 all over."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*fourcc), 25, SIZE)
    assert writer.isOpened()
    for index in range(count):
        writer.write(picture(3 * index % 256))
    writer.release()
    return path


def cut(path: Path, share: float) -> Path:
    """A copy of the first part of a file."""
    data = path.read_bytes()
    short = path.with_name("cut_" + path.name)
    short.write_bytes(data[: int(len(data) * share)])
    return short


def damage(path: Path, which: Iterable[int]) -> Path:
    """Overwrite the encoded pictures of these numbers with noise, as a bad block on a card does."""
    capture = open_packets(str(path))
    packets = []
    while (read := capture.read())[0]:
        packets.append(read[1].tobytes())
    data, noise, at = bytearray(path.read_bytes()), np.random.default_rng(1), 0
    starts = []
    for packet in packets:
        at = data.index(packet, at)
        starts.append(at)
        at += len(packet)
    for index in which:
        size = len(packets[index])
        data[starts[index] : starts[index] + size] = noise.bytes(size)
    path.write_bytes(data)
    return path


def jpeg(brightness: int = 90) -> bytes:
    """One picture as JPEG."""
    done, coded = cv2.imencode(".jpg", picture(brightness))
    assert done
    return coded.tobytes()


def matroska(
    path: Path,
    pictures_ms: Sequence[int],
    sound_ms: Sequence[int] = (),
    *,
    length_s: float = 0.0,
    codec: str = "V_MJPEG",
    data: bytes | None = None,
) -> Path:
    """A Matroska file of pictures and of 1 ms of silence at each of these times.

    Args:
        path: Where.
        pictures_ms: When each picture is shown; without any there is no video track.
        sound_ms: When each packet of sound is heard; without any there is no sound track.
        length_s: Length that the header promises; 0 for none.
        codec: The pictures' codec as the file names it.
        data: Of each picture; a JPEG if it is not given.
    """
    video = _element("83", b"\x01") + _element("86", codec.encode()) + _element("E0", _size_of_pictures())
    rate = np.array([8000], dtype=">f8").tobytes()
    sound = _element("83", b"\x02") + _element("86", b"A_PCM/INT/LIT")
    sound += _element("E1", _element("B5", rate) + _element("9F", b"\x01") + _element("6264", b"\x10"))
    tracks = b"".join(
        _element("AE", _element("D7", bytes([number])) + _element("73C5", bytes([number])) + track)
        for number, track, used in ((1, video, pictures_ms), (2, sound, sound_ms))
        if used
    )
    coded = jpeg() if data is None else data
    blocks = sorted([(ms, 1, coded) for ms in pictures_ms] + [(ms, 2, bytes(16)) for ms in sound_ms])
    info = _element("2AD7B1", (1_000_000).to_bytes(4)) + (
        _element("4489", np.array([length_s * 1000], dtype=">f8").tobytes()) if length_s else b""
    )
    clusters = b"".join(
        _element(
            "1F43B675",
            _element("E7", ms.to_bytes(4)) + _element("A3", bytes([0x80 | track, 0, 0, 0x80]) + block),
        )
        for ms, track, block in blocks
    )
    head = _element("1A45DFA3", _element("4282", b"matroska"))
    path.write_bytes(
        head + _element("18538067", _element("1549A966", info) + _element("1654AE6B", tracks) + clusters)
    )
    return path


def _size_of_pictures() -> bytes:
    return _element("B0", SIZE[0].to_bytes(2)) + _element("BA", SIZE[1].to_bytes(2))


def _element(name: str, content: bytes) -> bytes:
    """An EBML element, its length in eight bytes."""
    return bytes.fromhex(name) + (len(content) | 1 << 56).to_bytes(8) + content


def without_key_frames(path: Path, before: int) -> Path:
    """Take the key frames among the first `before` pictures out of an MPEG transport stream.

    So it is as if it had been cut out of a longer one. A key frame goes from a packet with the random access
    indicator (ISO/IEC 13818-1, 2.4.3.5) to the next packet in which a picture begins.
    """
    data, kept, seen, taken = path.read_bytes(), bytearray(), 0, False
    for at in range(0, len(data), 188):
        packet = data[at : at + 188]
        begins, video = packet[1] & 0x40, (packet[1] & 0x1F, packet[2]) == (1, 0)
        if video and begins:
            is_key = bool(packet[3] & 0x20 and packet[4] and packet[5] & 0x40)
            taken = is_key and seen < before
            seen += 1
        if not (video and taken):
            kept += packet
    path.write_bytes(kept)
    return path

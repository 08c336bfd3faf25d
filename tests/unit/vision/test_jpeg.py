import re
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.vision.jpeg import ImageError, JpegLimits, decode_jpeg, encode_jpeg, read_size


def picture(width: int = 48, height: int = 32) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack((x, y, 255 - x), axis=2).astype(np.uint8)


JPEG = encode_jpeg(picture())
PROGRESSIVE = cv2.imencode(".jpg", picture(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
RESTARTS = cv2.imencode(".jpg", picture(), [cv2.IMWRITE_JPEG_RST_INTERVAL, 1])[1].tobytes()
GREY = encode_jpeg(picture()[:, :, 0])
KINDS = {"baseline": JPEG, "progressive": PROGRESSIVE, "restarts": RESTARTS, "grey": GREY}


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_jpeg_is_decoded_to_its_size(kind: str) -> None:
    assert read_size(KINDS[kind]) == (48, 32)
    image = decode_jpeg(KINDS[kind])
    assert image.shape == (32, 48, 3)
    assert image.dtype == np.uint8
    if kind != "grey":
        assert np.abs(image.astype(int) - picture()).mean() < 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_cut_at_any_length_is_an_error_and_never_a_picture(kind: str) -> None:
    jpeg = KINDS[kind]
    for length in range(len(jpeg)):
        with pytest.raises(ImageError) as caught:
            decode_jpeg(jpeg[:length])
        assert caught.value.reason in ("truncated JPEG", "no JPEG")


@given(st.binary(max_size=300))
def test_random_bytes_are_an_error_and_never_a_picture(data: bytes) -> None:
    with pytest.raises(ImageError):
        decode_jpeg(data)


@given(st.binary(max_size=300))
def test_random_bytes_that_begin_like_a_jpeg_are_an_error(data: bytes) -> None:
    with pytest.raises(ImageError):
        decode_jpeg(b"\xff\xd8\xff" + data)


@settings(max_examples=300)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_changed_bytes_give_an_error_or_a_picture_of_the_declared_size(
    kind: str, data: st.DataObject
) -> None:
    damaged = bytearray(KINDS[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    limits = JpegLimits(max_pixels=1_000_000)
    try:
        image = decode_jpeg(bytes(damaged), limits)
    except ImageError:
        return
    assert image.shape[1::-1] == read_size(bytes(damaged), limits)


@pytest.mark.parametrize("trailing", [b"\0" * 7, b"\xff" * 3, JPEG[:100]])
def test_bytes_after_the_end_are_ignored(trailing: bytes) -> None:
    assert np.array_equal(decode_jpeg(JPEG + trailing), decode_jpeg(JPEG))


def with_size(jpeg: bytes, width: int, height: int) -> bytes:
    at = re.search(rb"\xff[\xc0\xc2]", jpeg)
    assert at is not None
    return jpeg[: at.start() + 5] + struct.pack(">HH", height, width) + jpeg[at.start() + 9 :]


def test_a_jpeg_bomb_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not_decode(*_: object) -> None:
        pytest.fail("the decoder was called")

    monkeypatch.setattr(cv2, "imdecode", must_not_decode)
    for width, height in ((65_500, 65_500), (16_000, 16_000), (65_500, 8)):
        with pytest.raises(ImageError, match="too many pixels"):
            decode_jpeg(with_size(JPEG, width, height))
    with pytest.raises(ImageError, match="JPEG of no size"):
        decode_jpeg(with_size(JPEG, 0, 8))
    with pytest.raises(ImageError, match="too many bytes"):
        decode_jpeg(JPEG, JpegLimits(max_bytes=len(JPEG) - 1))
    with pytest.raises(ImageError, match="too many scans"):
        decode_jpeg(PROGRESSIVE, JpegLimits(max_scans=3))


def test_the_limits_are_inclusive() -> None:
    decode_jpeg(JPEG, JpegLimits(max_bytes=len(JPEG), max_pixels=48 * 32, max_side_px=48, max_scans=1))


def test_a_second_frame_header_cannot_smuggle_another_size_in() -> None:
    frame = re.search(rb"\xff\xc0.{17}", JPEG, re.DOTALL)
    assert frame is not None
    two = JPEG[: frame.start()] + frame.group() + JPEG[frame.start() :]
    with pytest.raises(ImageError, match="two frames"):
        decode_jpeg(two)


def test_other_formats_and_other_kinds_of_jpeg_are_refused() -> None:
    with pytest.raises(ImageError, match="no JPEG"):
        decode_jpeg(cv2.imencode(".png", picture())[1].tobytes())
    with pytest.raises(ImageError, match="unsupported kind"):
        decode_jpeg(JPEG.replace(b"\xff\xc0", b"\xff\xc3", 1))


def test_an_orientation_in_the_metadata_does_not_turn_the_picture() -> None:
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    body = b"Exif\0\0" + tiff
    turned = JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + JPEG[2:]
    assert decode_jpeg(turned).shape == (32, 48, 3)


def test_an_end_marker_inside_metadata_does_not_hide_a_cut() -> None:
    thumbnail = b"\xff\xd8\xff\xd9"
    jpeg = JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + JPEG[2:]
    decode_jpeg(jpeg)
    with pytest.raises(ImageError, match="truncated JPEG"):
        decode_jpeg(jpeg[:-2])


def test_a_picture_that_cannot_be_encoded_is_an_error() -> None:
    with pytest.raises(ImageError, match="cannot be encoded"):
        encode_jpeg(np.empty((0, 0, 3), np.uint8))

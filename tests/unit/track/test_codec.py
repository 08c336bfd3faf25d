"""The state's bytes are lossless and checked."""

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import scene

from processors.track.codec import FIRST_ROWS, decode_state, encode_state
from processors.track.config import TrackerConfig
from processors.track.state import ROWS, initial_state
from processors.track.tracker import step
from schemas.wire import DecodeError

CONFIG = TrackerConfig()


def grown(frames: int = 12) -> bytes:
    state = initial_state()
    for message in scene(3, frames):
        state, _ = step(state, message, CONFIG)
    return encode_state(state)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), dim=st.sampled_from([0, 16]), classifier=st.booleans())
def test_restoring_at_every_frame_equals_an_uninterrupted_run_byte_for_byte(
    seed: int, dim: int, classifier: bool
) -> None:
    whole = restored = initial_state()
    for message in scene(seed, dim=dim, classifier=classifier):
        whole, expected = step(whole, message, CONFIG)
        data = encode_state(restored)
        assert encode_state(decode_state(data)) == data
        restored, result = step(decode_state(data), message, CONFIG)
        assert result is not None
        assert expected is not None
        assert result.tracks.to_bytes() == expected.tracks.to_bytes()
        assert [c.to_bytes() for c in result.classifications] == [
            c.to_bytes() for c in expected.classifications
        ]
        assert encode_state(restored) == encode_state(whole)


def test_a_step_leaves_its_argument_as_it_was() -> None:
    state = initial_state()
    for message in scene(5):
        before = encode_state(state)
        after, _ = step(state, message, CONFIG)
        assert encode_state(state) == before
        state = after


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_state(data)


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 10**6), value=st.integers(0, 255), cut=st.booleans())
def test_damaged_bytes_are_refused_or_give_a_state_that_works(place: int, value: int, cut: bool) -> None:
    data = bytearray(grown())
    place %= len(data)
    data[place] = value
    damaged = bytes(data[:place] if cut else data)
    try:
        state = decode_state(damaged)
    except DecodeError:
        return
    for message in scene(3, 14)[12:]:
        state, result = step(state, message, CONFIG)
        if result is not None:
            assert np.isfinite(result.tracks.boxes).all()


def test_a_snapshot_from_before_later_rows_and_counts_were_added_is_read() -> None:
    fields = msgpack.unpackb(grown())
    count = len(fields["track_ids"]) // 8
    assert len(fields["numbers"]) == 8 * ROWS * count
    for name in ("refresh_in_s", "redetections", "correlations"):
        del fields[name]
    fields["numbers"] = fields["numbers"][: 8 * FIRST_ROWS * count]
    state = decode_state(msgpack.packb(fields))
    assert len(state) == count > 0
    for message in scene(3, 14)[12:]:
        state, result = step(state, message, CONFIG)
        assert result is not None
        assert len(result.tracks.track_ids)


def test_a_track_takes_less_than_a_kilobyte() -> None:
    state = initial_state()
    for message in scene(1, frames=60, objects=60, dim=128):
        state, _ = step(state, message, CONFIG)
    empty = len(encode_state(initial_state()))
    assert len(state) > 40
    assert (len(encode_state(state)) - empty) / len(state) < 1000

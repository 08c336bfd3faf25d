"""What holds for any scene: order of detections, scale, time, bounds, and numbers that stay numbers."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import FRAME_NS, frame, scene

from processors.track.codec import decode_state, encode_state
from processors.track.config import TrackerConfig
from processors.track.labels import MAX_NAMES
from processors.track.state import TrackerState, initial_state
from processors.track.tracker import StepResult, step
from schemas.detections import Detections
from schemas.tracks import Tracks
from sightline.errors import SightlineError

CONFIG = TrackerConfig()
SEEDS = st.integers(0, 10**6)


def play(messages: list[Detections], config: TrackerConfig = CONFIG) -> tuple[TrackerState, list[StepResult]]:
    state, results = initial_state(), []
    for message in messages:
        state, result = step(state, message, config)
        assert result is not None
        results.append(result)
    return state, results


def shuffled(message: Detections, rng: np.random.Generator) -> Detections:
    order = rng.permutation(len(message.boxes))
    fields = ("boxes", "scores", "class_ids", "embeddings", "probabilities")
    arrays = {name: getattr(message, name) for name in fields}
    moved = {name: array[order] for name, array in arrays.items() if array is not None}
    return dataclasses.replace(message, **moved)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, dim=st.sampled_from([0, 16]), classifier=st.booleans())
def test_the_order_of_a_frames_detections_changes_nothing(seed: int, dim: int, classifier: bool) -> None:
    rng = np.random.default_rng(seed)
    messages = scene(seed, dim=dim, classifier=classifier)
    state, results = play(messages)
    other_state, other_results = play([shuffled(message, rng) for message in messages])
    assert [r.tracks.to_bytes() for r in results] == [r.tracks.to_bytes() for r in other_results]
    assert encode_state(state) == encode_state(other_state)


def test_the_order_of_detections_of_one_score_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 1000, (12, 2))
    looks = rng.normal(size=(12, 8)).astype(np.float16)
    message = frame(0, np.c_[corner, corner + 60], embeddings=looks)
    assert len(set(message.scores.tolist())) == 1
    states = [play([shuffled(message, rng)])[0] for _ in range(5)]
    assert len({encode_state(state) for state in states}) == 1


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, factor=st.sampled_from([0.5, 2.0, 4.0]))
def test_a_picture_of_another_size_gives_the_same_tracks(seed: int, factor: float) -> None:
    messages = scene(seed)
    scaled = [
        dataclasses.replace(
            message,
            width=int(message.width * factor),
            height=int(message.height * factor),
            boxes=message.boxes * np.float32(factor),
        )
        for message in messages
    ]
    for one, other in zip(play(messages)[1], play(scaled)[1], strict=True):
        assert one.tracks.track_ids.tolist() == other.tracks.track_ids.tolist()
        np.testing.assert_array_equal(one.tracks.boxes * np.float32(factor), other.tracks.boxes)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, shift_ns=st.integers(1, 10**18))
def test_only_differences_of_time_count(seed: int, shift_ns: int) -> None:
    messages = scene(seed)
    later = [dataclasses.replace(m, captured_at_ns=m.captured_at_ns + shift_ns) for m in messages]
    for one, other in zip(play(messages)[1], play(later)[1], strict=True):
        np.testing.assert_array_equal(one.tracks.track_ids, other.tracks.track_ids)
        np.testing.assert_array_equal(one.tracks.boxes, other.tracks.boxes)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_a_mirrored_picture_gives_mirrored_tracks(seed: int) -> None:
    # In eighths of a pixel, so that the mirrored boxes are exact.
    messages = [dataclasses.replace(m, boxes=np.round(m.boxes * 8) / 8) for m in scene(seed)]
    mirrored = []
    for message in messages:
        x1, y1, x2, y2 = message.boxes.T
        mirrored.append(dataclasses.replace(message, boxes=np.stack([1920 - x2, y1, 1920 - x1, y2], 1)))
    for one, other in zip(play(messages)[1], play(mirrored)[1], strict=True):
        assert one.tracks.track_ids.tolist() == other.tracks.track_ids.tolist()
        x1, y1, x2, y2 = one.tracks.boxes.T
        np.testing.assert_allclose(other.tracks.boxes, np.stack([1920 - x2, y1, 1920 - x1, y2], 1), atol=0.01)


def test_with_half_of_the_frames_objects_keep_their_ids() -> None:
    def moving(seq: int) -> list[list[float]]:
        return [[100 + 6 * seq, 200, 160 + 6 * seq, 340], [1500 - 8 * seq, 500, 1570 - 8 * seq, 660]]

    for kept in (1, 2, 4):
        messages = [frame(seq, moving(seq)) for seq in range(0, 80, kept)]
        last = play(messages)[1][-1].tracks
        assert last.track_ids.tolist() == [1, 2]
        np.testing.assert_allclose(last.boxes, moving(messages[-1].seq), atol=6)


coordinate = st.floats(-1e6, 1e6, width=32)
box = st.tuples(coordinate, coordinate, st.floats(0, 1e6, width=32), st.floats(0, 1e6, width=32))


@settings(max_examples=60, deadline=None)
@given(
    frames=st.lists(st.lists(box, max_size=12), min_size=1, max_size=6),
    gaps=st.lists(st.sampled_from([0, 1, FRAME_NS, 10**9, 10**12, 2**62]), min_size=6, max_size=6),
    epochs=st.lists(st.integers(0, 3), min_size=6, max_size=6),
)
def test_any_boxes_and_any_times_give_valid_messages(
    frames: list[list[tuple[float, ...]]], gaps: list[int], epochs: list[int]
) -> None:
    state, at_ns = initial_state(), 0
    for seq, boxes in enumerate(frames):
        at_ns = (at_ns + gaps[seq]) % (2**63 - 1)  # a clock may also be set back
        corners = np.array([(x, y, min(x + w, 1e6), min(y + h, 1e6)) for x, y, w, h in boxes], np.float32)
        message = frame(seq, corners, epoch=sum(epochs[: seq + 1]), at_ns=at_ns)
        state, result = step(state, Detections.from_bytes(message.to_bytes()), CONFIG)
        assert result is not None
        Tracks.from_bytes(result.tracks.to_bytes())
        decode_state(encode_state(state))


def test_thousands_of_equal_detections_stay_within_the_limits() -> None:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 1000, (4096, 2))
    boxes = np.r_[np.c_[corner, corner + 80][:2048], np.tile([5, 5, 60, 90], (2048, 1))]
    state = initial_state()
    for seq in range(3):
        state, result = step(state, frame(seq, boxes), CONFIG)
        assert result is not None
        assert result.tracks.left_out["detections_over_limit"] == 4096 - CONFIG.max_detections
        assert len(state) <= CONFIG.max_tracks
        assert np.isfinite(state.numbers).all()


def test_a_frame_full_of_strangers_after_another_takes_little_memory() -> None:
    rng = np.random.default_rng(0)
    state = initial_state()
    corner = np.stack(np.meshgrid(np.arange(23), np.arange(22)), -1).reshape(-1, 2) * 31.0
    tracemalloc.start()
    for seq in range(3):
        boxes = np.c_[corner, corner + 30] + seq % 2 * 15
        looks = rng.normal(size=(len(corner), 2048)).astype(np.float16)
        state, result = step(state, frame(seq, boxes, at_ns=seq * 9 * 10**9, embeddings=looks), CONFIG)
        assert result is not None
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100_000_000  # all pairs at once would take over 200 MB


def test_the_state_stays_below_a_megabyte_whatever_comes() -> None:
    rng = np.random.default_rng(0)
    state = initial_state()
    for seq in range(4):
        corner = rng.uniform(0, 16_000, (600, 2))
        attributes = tuple(f"{seq} {k} " + "é" * 100 for k in range(600))
        share = np.zeros((600, 600), np.float32)
        share[np.arange(600), np.arange(600)] = 1.0
        message = frame(
            seq,
            np.c_[corner, corner + 60],
            names={k: f"{seq} {k} " + "ü" * 100 for k in range(600)},
            classes=np.arange(600),
            probabilities=share,
            attributes=attributes,
            embeddings=rng.normal(size=(600, 2048)).astype(np.float16),
        )
        state, _ = step(state, message, CONFIG)
        assert len(state.names) <= MAX_NAMES
        assert len(encode_state(state)) < 1_000_000


def test_a_track_takes_less_than_a_kilobyte_of_state() -> None:
    boxes = [[100 * (k % 10), 150 * (k // 10), 100 * (k % 10) + 40, 150 * (k // 10) + 90] for k in range(50)]
    looks = np.random.default_rng(0).normal(size=(50, 128)).astype(np.float16)
    empty, _ = step(initial_state(), frame(0, [], embeddings=np.zeros((0, 128), np.float16)), CONFIG)
    full, _ = step(empty, frame(1, boxes, embeddings=looks), CONFIG)
    assert len(full) == 50
    assert (len(encode_state(full)) - len(encode_state(empty))) / 50 < 1024


def test_when_tracks_are_full_the_longest_unseen_give_way() -> None:
    config = TrackerConfig(max_tracks=2)
    there = [[0, 0, 50, 100], [500, 0, 550, 100]]
    messages = [frame(0, there), frame(1, there[1:]), frame(2, [there[1], [900, 0, 950, 100]])]
    _, results = play(messages, config)
    assert results[-1].tracks.track_ids.tolist() == [2, 3]
    assert results[-1].tracks.left_out == {"tracks_full": 1}


def test_a_setting_out_of_range_is_refused() -> None:
    with pytest.raises(SightlineError, match="max_tracks is 0"):
        TrackerConfig(max_tracks=0)

"""Looks: comparing them, folding wide ones, and finding objects again by them."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import frame

from processors.track import appearance
from processors.track.config import TrackerConfig
from processors.track.state import LOOK_PRIOR, initial_state
from processors.track.tracker import step
from schemas.detections import Detections

rng = np.random.default_rng(0)
LOOKS = rng.normal(size=(4, 64))


def look_of(who: int, noise: float = 0.02) -> np.ndarray:
    look = LOOKS[who] + rng.normal(0, noise, 64)
    return (look / np.linalg.norm(look)).astype(np.float16)


def seen(seq: int, *people: tuple[int, float]) -> Detections:
    boxes = [[x, 200, x + 50, 330] for _, x in people]
    looks = np.array([look_of(who) for who, _ in people], np.float16).reshape(-1, 64)
    return frame(seq, boxes, embeddings=looks)


def ids(messages: list[Detections]) -> list[list[int]]:
    state, out = initial_state(), []
    for message in messages:
        state, result = step(state, message, TrackerConfig())
        assert result is not None
        out.append(result.tracks.track_ids[result.tracks.observed].tolist())
    return out


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 700), st.integers(1, 256))
def test_folded_looks_are_unit_vectors_and_keep_angles_about(given_width: int, width: int) -> None:
    looks = np.random.default_rng(given_width).normal(size=(3, given_width)).astype(np.float16)
    looks[2] = 0
    folded = appearance.folded(looks, width)
    assert folded.shape == (3, min(width, given_width))
    assert not folded[2].any()
    same = appearance.folded(np.r_[looks[:1], looks[:1] * np.float16(2)], width)
    np.testing.assert_allclose(same[0], same[1], atol=1e-3)


def test_different_looks_stay_different_when_folded() -> None:
    looks = appearance.folded(np.random.default_rng(0).normal(size=(40, 2048)).astype(np.float16), 256)
    cosines = looks @ looks.T - np.eye(40)
    assert np.abs(cosines).max() < 0.35


def test_a_pair_gains_by_being_alike_and_more_where_looks_tell_apart() -> None:
    config = TrackerConfig()
    alike = np.array([0.9, 0.35, 0.0])
    clear, vague = np.array(LOOK_PRIOR), np.array(LOOK_PRIOR)
    vague[appearance.VARIANCE] = 1.0
    gains = appearance.gains(alike, clear, config)
    assert gains[0] > 0 > gains[2]
    assert gains[1] == pytest.approx(0)
    assert (np.abs(appearance.gains(alike, vague, config)) <= np.abs(gains)).all()


def test_one_who_left_and_comes_back_elsewhere_is_the_same() -> None:
    messages = [seen(seq, (0, 300 + 2 * seq), (1, 900)) for seq in range(30)]
    messages += [seen(seq, (1, 900)) for seq in range(30, 120)]  # three seconds
    messages += [seen(seq, (0, 480), (1, 900)) for seq in range(120, 125)]
    assert sorted(ids(messages)[-1]) == [1, 2]


def test_one_who_is_hidden_for_two_seconds_and_turns_round_meanwhile_is_the_same() -> None:
    messages = [seen(seq, (0, 300 + 5 * seq), (1, 1500)) for seq in range(60)]
    messages += [seen(seq, (1, 1500)) for seq in range(60, 120)]
    messages += [seen(seq, (0, 450 - 5 * (seq - 120)), (1, 1500)) for seq in range(120, 130)]
    found = ids(messages)
    assert found[59] == found[129] == [1, 2]
    without = [dataclasses.replace(message, embeddings=None) for message in messages]
    assert 1 not in ids(without)[129]  # motion alone cannot tell, and must not pretend to


def test_a_false_detection_of_two_frames_is_not_found_again_in_somebody_alike_later() -> None:
    messages = [seen(seq, (1, 900), *([(0, 300)] if seq in (10, 11) else [])) for seq in range(40)]
    messages += [seen(seq, (1, 900)) for seq in range(40, 160)]
    messages += [seen(seq, (0, 380), (1, 900)) for seq in range(160, 165)]
    found = ids(messages)
    assert found[11] == [1, 2]
    assert found[-1] == [1, 3]


def test_one_who_came_towards_the_camera_is_found_again_at_the_size_of_the_last_sight() -> None:
    def growing(seq: int, side: float, x: float = 300) -> Detections:
        return frame(seq, [[x, 200, x + side, 200 + 2 * side]], embeddings=look_of(0)[None])

    messages = [growing(seq, 40 + seq) for seq in range(60)]
    messages += [frame(seq, [], embeddings=np.zeros((0, 64), np.float16)) for seq in range(60, 150)]
    messages += [growing(seq, 100, x=520) for seq in range(150, 155)]  # too far for motion alone
    found = ids(messages)
    assert found[59] == found[-1] == [1]


def test_who_comes_back_by_looks_alone_is_put_out_when_seen_twice_or_clearly() -> None:
    messages = [seen(seq, (0, 300), (1, 900)) for seq in range(60)]
    messages += [seen(seq, (1, 900)) for seq in range(60, 120)]
    back = [seen(seq, (0, 480), (1, 900)) for seq in range(120, 123)]
    weak = [dataclasses.replace(message, scores=np.array([0.7, 0.9], np.float32)) for message in back]
    assert [1 in each for each in ids(messages + back)[120:]] == [True, True, True]
    assert [1 in each for each in ids(messages + weak)[120:]] == [False, True, True]


def test_a_look_that_is_a_little_alike_brings_nobody_back_as_something_of_another_class() -> None:
    def mixed(seq: int, kind: int | None) -> Detections:
        boxes, looks, classes = [[900, 200, 950, 330]], [look_of(1)], [0]
        if kind is not None:
            look = look_of(0) if seq < 60 else (look_of(0) + 0.8 * look_of(2)).astype(np.float16)
            x = 300 if seq < 60 else 480  # too far for motion alone
            boxes, looks, classes = [*boxes, [x, 200, x + 50, 330]], [*looks, look], [*classes, kind]
        return frame(seq, boxes, classes=classes, embeddings=np.array(looks, np.float16))

    def after(kind: int) -> list[int]:
        messages = [mixed(seq, 1) for seq in range(60)] + [mixed(seq, None) for seq in range(60, 120)]
        return ids(messages + [mixed(seq, kind) for seq in range(120, 125)])[-1]

    assert after(1) == [1, 2]
    assert after(2) == [2, 3]


def test_a_stranger_in_the_same_place_is_somebody_else() -> None:
    messages = [seen(seq, (0, 300), (1, 900)) for seq in range(30)]
    messages += [seen(seq, (1, 900)) for seq in range(30, 40)]
    messages += [seen(seq, (2, 300), (1, 900)) for seq in range(40, 45)]
    last = ids(messages)[-1]
    assert 1 not in last
    assert len(last) == 2


def test_two_who_swap_places_behind_an_obstacle_keep_their_ids() -> None:
    messages = [seen(seq, (0, 400), (1, 500)) for seq in range(30)]
    messages += [seen(seq) for seq in range(30, 42)]
    messages += [seen(seq, (0, 500), (1, 400)) for seq in range(42, 50)]
    state = initial_state()
    for message in messages:
        state, result = step(state, message, TrackerConfig())
    assert result is not None
    first = messages[0].boxes[result.tracks.track_ids.astype(int) - 1]
    assert sorted(result.tracks.track_ids.tolist()) == [1, 2]
    assert (np.abs(result.tracks.boxes[:, 0] - first[:, 0]) > 60).all()


def test_looks_of_zeros_and_a_change_of_network_do_no_harm() -> None:
    state = initial_state()
    for seq in range(30):
        width = 64 if seq < 10 else 128
        looks = np.ones((1, width), np.float16) * (seq % 3 > 0)
        embeddings = looks if seq % 4 else None
        state, result = step(
            state, frame(seq, [[300 + seq, 200, 350 + seq, 330]], embeddings=embeddings), TrackerConfig()
        )
        assert result is not None
        assert result.tracks.track_ids.tolist() == [1]
    assert state.embeddings.shape == (1, 128)

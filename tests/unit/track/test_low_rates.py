"""At one or two frames a second objects move by more than their size; they keep ids where that is clear."""

import pytest
from scenes import frame

from processors.track.config import TrackerConfig
from processors.track.state import initial_state
from processors.track.tracker import step

SECOND_NS = 10**9


def ids(boxes: list[list[list[float]]], rate: float, score: float = 0.7) -> list[list[int]]:
    state, found = initial_state(), []
    for seq, there in enumerate(boxes):
        message = frame(seq, there, [score] * len(there), at_ns=round(seq * SECOND_NS / rate))
        state, result = step(state, message, TrackerConfig())
        assert result is not None
        found.append(result.tracks.track_ids[result.tracks.observed].tolist())
    return found


def car(x: float, y: float = 300.0) -> list[float]:
    return [x, y, x + 60, y + 40]


@pytest.mark.parametrize("rate", [1.0, 2.0])
def test_cars_that_move_by_more_than_their_size_keep_their_ids(rate: float) -> None:
    step_px = 130 / rate  # more than two widths a second
    found = ids([[car(100 + step_px * seq), car(1500 - step_px * seq, 700)] for seq in range(6)], rate)
    assert all(each == [1, 2] for each in found[1:])


def test_what_cannot_be_told_apart_gets_new_ids_and_rows() -> None:
    # A row of cars, one behind the other: each is about as near to where the next one was.
    found = ids([[car(100 + 140 * k + 70 * (seq % 2)) for k in range(6)] for seq in range(4)], 2.0)
    assert all(len(each) == 6 for each in found[1:])
    assert max(found[-1]) > 6


def test_at_usual_rates_nothing_jumps_to_what_is_near() -> None:
    found = ids([[car(100)] if seq < 30 else [car(200)] for seq in range(40)], 30.0, 0.9)
    assert found[29] == [1]
    assert found[39] == [2]


def test_a_detection_that_has_a_track_is_no_other_ones_nearest() -> None:
    found = ids([[car(100), car(220)], [car(100)]], 1.0, 0.9)
    assert found == [[1, 2], [1]]

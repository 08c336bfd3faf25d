"""Timestamps that rise whatever a decoder reports."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from producers.timeline import Timeline, sane_fps


def stamps(fps: float, positions_ms: list[float]) -> list[int]:
    timeline = Timeline(fps)
    return [timeline.next_ns(position) for position in positions_ms]


@given(st.floats(0.1, 1000), st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60))
def test_they_rise_from_zero_for_any_positions(fps: float, positions_ms: list[float]) -> None:
    found = stamps(fps, positions_ms)
    assert found[:1] in ([], [0])
    assert all(before < after for before, after in pairwise(found))


@given(st.floats(0, 1e6), st.lists(st.floats(1, 60_000), min_size=1, max_size=50))
def test_a_variable_rate_keeps_its_true_steps(first_ms: float, steps_ms: list[float]) -> None:
    positions = [first_ms]
    for step in steps_ms:
        positions.append(positions[-1] + step)
    for found, position in zip(stamps(25, positions), positions, strict=True):
        assert abs(found - (position - first_ms) * 1e6) < 2_000


def test_positions_that_are_missing_count_one_frame_each() -> None:
    assert stamps(50, [0.0, 0.0, 0.0]) == [0, 20_000_000, 40_000_000]


def test_a_clock_that_starts_over_goes_on_from_where_it_was() -> None:
    assert stamps(25, [0, 40, 80, 0, 40]) == [0, 40_000_000, 80_000_000, 120_000_000, 160_000_000]


def test_after_a_clock_started_over_its_steps_are_believed_again() -> None:
    assert stamps(25, [0, 40, 80, 0, 100, 110]) == [
        0,
        40_000_000,
        80_000_000,
        120_000_000,
        220_000_000,
        230_000_000,
    ]


def test_a_rate_that_is_nonsense_becomes_25() -> None:
    assert [sane_fps(fps) for fps in (0, -1, math.nan, math.inf, 90_000, 29.97)] == [25] * 5 + [29.97]

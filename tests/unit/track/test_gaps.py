"""How long unseen tracks are put out is learned from the stream."""

import numpy as np
from scenes import frame

from processors.track import gaps
from processors.track.config import TrackerConfig
from processors.track.state import TrackerState, initial_state
from processors.track.tracker import step

NO_GAPS = np.zeros((gaps.TRACK_KINDS, gaps.NEVER + 1))
MATURE = 3


def test_where_gaps_end_soon_tracks_are_waited_for_and_where_they_never_do_not() -> None:
    soon, never = NO_GAPS.copy(), NO_GAPS.copy()
    soon[:, 2:4] = 20.0
    never[:, gaps.NEVER] = 40.0
    assert (gaps.patience_s(never, 0.5) == 0).all()
    assert (gaps.patience_s(soon, 0.5) >= 0.25).all()
    assert (gaps.patience_s(soon, 0.99) <= gaps.patience_s(soon, 0.5)).all()


def test_patience_is_as_long_as_the_probability_says() -> None:
    counted = NO_GAPS.copy()
    # 60 gaps up to 0.05 s, 30 of up to 0.25 s, 30 that never end: after 0.05 s it is one half, then none.
    counted[MATURE, [0, 2, gaps.NEVER]] = (6000, 3000, 2900)
    assert gaps.patience_s(counted, 0.5)[MATURE] == 0.25
    assert gaps.patience_s(counted, 0.6)[MATURE] == 0.05
    assert gaps.patience_s(counted, 0.8)[MATURE] == 0.0


def flicker(away: int, state: TrackerState, start: int) -> TrackerState:
    for seq in range(start, start + 400):
        here = [[100, 100, 150, 220]] if seq % 20 >= away else []
        state, _ = step(state, frame(seq, here), TrackerConfig())
    return state


def test_a_stream_learns_how_long_its_gaps_are() -> None:
    short = flicker(3, initial_state(), 0)
    long = flicker(12, initial_state(), 0)
    assert short.patience_s[MATURE] < long.patience_s[MATURE]


def test_the_end_of_a_track_counts_against_waiting() -> None:
    state = flicker(3, initial_state(), 0)
    before = state.patience_s[MATURE]
    for seq in range(400, 8400):
        x = 400 * (seq // 100 % 4) + 100
        state, _ = step(state, frame(seq, [[x, 100, x + 50, 220]] if seq % 100 < 30 else []), TrackerConfig())
    assert state.gaps[MATURE, gaps.NEVER] > 10
    assert state.patience_s[MATURE] == 0 < before

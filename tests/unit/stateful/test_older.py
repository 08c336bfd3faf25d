"""Frames of an older epoch: what was never seen is counted, what comes again is not."""

from hypothesis import given
from hypothesis import strategies as st

from sightline.stateful.older import MAX_EPOCHS, OlderEpochs


def test_what_comes_after_the_epochs_end_is_new_once_and_then_a_repeat() -> None:
    older = OlderEpochs()
    older.leave(1, 52)
    assert [older.skip(1, seq) for seq in (50, 52, 53, 53, 54, 53, 55)] == [
        False,
        False,
        True,
        False,
        True,
        False,
        True,
    ]
    assert older.skipped() == {1: 3}
    assert OlderEpochs(older.packed()).skipped() == {1: 3}


def test_an_epoch_that_never_was_the_newest_is_all_new() -> None:
    older = OlderEpochs()
    assert [older.skip(1, seq) for seq in (0, 1, 4)] == [True] * 3
    assert older.skipped() == {1: 3}


def test_a_replay_of_epochs_that_were_stepped_counts_nothing() -> None:
    older = OlderEpochs()
    for epoch in range(MAX_EPOCHS):
        older.leave(epoch, 9)
    assert not any(older.skip(epoch, seq) for epoch in range(MAX_EPOCHS) for seq in range(10))
    assert older.skipped() == {}


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=200))
def test_it_never_holds_more_than_a_few_epochs(seen: list[tuple[int, int]]) -> None:
    older = OlderEpochs()
    for epoch, seq in seen:
        older.skip(epoch, seq)
    assert len(older.packed()) <= MAX_EPOCHS
    assert OlderEpochs(older.packed()).packed() == older.packed()

"""The place between a camera that does not wait and a worker that may be slow."""

from hypothesis import given
from hypothesis import strategies as st

from producers.newest import Newest


@given(st.integers(1, 5), st.lists(st.sampled_from(["put", "take", "close"]), max_size=60))
def test_each_thing_comes_out_once_in_order_or_is_handed_back(capacity: int, moves: list[str]) -> None:
    slot: Newest[int] = Newest(capacity)
    put, taken, handed_back = 0, [], []
    for move in moves:
        if move == "put":
            handed_back += [thing] if (thing := slot.put(put)) is not None else []
            put += 1
        elif move == "take":
            taken += [thing] if (thing := slot.take(0)) is not None else []
        else:
            slot.close()
    slot.close()
    while not slot.finished:
        taken.append(slot.take(0))
    assert taken == sorted(taken)
    assert sorted(taken + handed_back) == list(range(put))


def test_it_holds_the_newest() -> None:
    slot: Newest[int] = Newest(2)
    assert [slot.put(number) for number in range(5)] == [None, None, 0, 1, 2]
    assert [slot.take(0), slot.take(0), slot.take(0)] == [3, 4, None]


def test_what_comes_after_the_close_is_handed_back_and_not_held() -> None:
    slot: Newest[int] = Newest(2)
    slot.put(1)
    slot.close()
    assert slot.put(2) == 2
    assert [slot.take(0), slot.take(0)] == [1, None]
    assert slot.finished

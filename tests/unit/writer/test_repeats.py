"""Whatever the log repeats, however it is cut into units and whenever the memory is lost: each key once."""

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from consumers.writer.repeats import SLACK_NS, Key, Order, RepeatFilter, Span


@dataclass(frozen=True)
class Item:
    stream_id: str
    epoch: int
    seq: int
    part: int
    captured_at_ns: int


class Table:
    """Rows as a table holds them, and how often it was asked."""

    def __init__(self) -> None:
        self.rows: list[Item] = []
        self.questions = 0

    def newest(self, since_ns: Mapping[str, int]) -> Mapping[str, Order]:
        self.questions += 1
        found: dict[str, Order] = {}
        for row in self.rows:
            if row.captured_at_ns >= since_ns.get(row.stream_id, 2**63):
                found[row.stream_id] = max(found.get(row.stream_id, (-1, -1)), (row.epoch, row.seq))
        return found

    def present(self, spans: Mapping[str, Span]) -> set[Key]:
        self.questions += 1
        return {
            key(row)
            for row in self.rows
            if row.stream_id in spans
            and spans[row.stream_id].first_ns <= row.captured_at_ns <= spans[row.stream_id].last_ns
        }


def key(item: Item) -> Key:
    return Key(item.stream_id, item.epoch, item.seq, item.part)


def clock_of(stream_id: str, epoch: int, seq: int) -> int:
    """A camera's clock that runs by hours and jumps back: but the same frame always has the same time."""
    return (seq * 7919 + epoch * 104_729 + len(stream_id)) % 97 * 3600 * 10**9


FRAMES = st.builds(
    lambda stream_id, epoch, seq, part: Item(stream_id, epoch, seq, part, clock_of(stream_id, epoch, seq)),
    st.sampled_from(["a", "bb"]),
    st.integers(0, 2),
    st.integers(0, 12),
    st.integers(0, 2),
)
UNITS = st.lists(
    st.tuples(st.lists(FRAMES, max_size=12), st.booleans(), st.booleans(), st.booleans()), max_size=8
)


@given(UNITS)
def test_each_key_is_stored_exactly_once(units: list[tuple[list[Item], bool, bool, bool]]) -> None:
    table, repeats = Table(), RepeatFilter[Item](lambda item: item.part)
    for items, forgets, replays, fails_once in units:
        if forgets:
            repeats.forget()
        if fails_once:  # the filter has seen them, the insert did not happen
            repeats.fresh(items, table, look_up_all=False)
            table.rows += repeats.fresh(items, table, look_up_all=True)
        else:
            table.rows += repeats.fresh(items, table, look_up_all=replays)
    sent = {key(item) for items, *_ in units for item in items}
    assert sorted(map(key, table.rows)) == sorted(sent)


def test_a_stream_in_order_asks_the_table_once() -> None:
    table, repeats = Table(), RepeatFilter[Item](lambda item: item.part)
    for start in range(0, 100, 10):
        items = [Item("a", 1, seq, part, seq * 10**9) for seq in range(start, start + 10) for part in (0, 1)]
        table.rows += repeats.fresh(items, table, look_up_all=False)
    assert len(table.rows) == 200
    assert table.questions == 1


def test_a_frame_from_before_the_front_makes_it_reach_back() -> None:
    table, repeats = Table(), RepeatFilter[Item](lambda item: item.part)
    table.rows = [Item("a", 1, 50, 0, 0)]
    late = Item("a", 1, 60, 0, 5 * SLACK_NS)
    assert repeats.fresh([late], table, look_up_all=False) == [late]
    assert repeats.fresh([Item("a", 1, 50, 0, 0)], table, look_up_all=False) == []

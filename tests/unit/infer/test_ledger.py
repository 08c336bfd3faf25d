"""Only an unbroken run of finished records may be committed."""

from hypothesis import given
from hypothesis import strategies as st

from processors.infer.ledger import OffsetLedger


def test_a_slow_record_holds_back_what_follows_it_in_its_partition_only():
    ledger = OffsetLedger()
    for offset in (10, 11, 12):
        ledger.read(0, offset)
        ledger.read(1, offset)
    ledger.finish(0, 11)
    ledger.finish(0, 12)
    ledger.finish(1, 10)
    assert ledger.take_committable() == {1: 11}
    ledger.finish(0, 10)
    assert ledger.take_committable() == {0: 13}
    assert ledger.take_committable() == {}


def test_gaps_in_the_offsets_of_the_log_do_not_hold_back_a_commit():
    ledger = OffsetLedger()
    for offset in (3, 7, 20):
        ledger.read(0, offset)
    for offset in (3, 7):
        ledger.finish(0, offset)
    assert ledger.take_committable() == {0: 8}


def test_records_of_a_lost_partition_are_neither_held_nor_committed():
    ledger = OffsetLedger()
    ledger.read(0, 1)
    ledger.read(0, 2)
    ledger.finish(0, 1)
    ledger.drop(0)
    assert not ledger.holds(0, 2)
    ledger.finish(0, 2)
    assert ledger.take_committable() == {}


@given(st.permutations(range(12)))
def test_whatever_order_records_finish_in_the_commit_never_passes_an_unfinished_one(order):
    ledger = OffsetLedger()
    for offset in range(12):
        ledger.read(0, offset)
    finished, committed = set(), 0
    for offset in order:
        ledger.finish(0, offset)
        finished.add(offset)
        committed = ledger.take_committable().get(0, committed)
        assert set(range(committed)) <= finished
        assert committed not in finished

"""Only an unbroken run of finished records may be committed."""

from hypothesis import given
from hypothesis import strategies as st

from processors.infer.ledger import Claim, OffsetLedger


def ledger_of(*partitions: int) -> OffsetLedger:
    ledger = OffsetLedger()
    for partition in partitions:
        ledger.assign(partition)
    return ledger


def read(ledger: OffsetLedger, partition: int, *offsets: int) -> dict[int, Claim]:
    claims = {}
    for offset in offsets:
        claim = ledger.read(partition, offset)
        assert claim is not None
        claims[offset] = claim
    return claims


def test_a_slow_record_holds_back_what_follows_it_in_its_partition_only():
    ledger = ledger_of(0, 1)
    zero, one = read(ledger, 0, 10, 11, 12), read(ledger, 1, 10, 11, 12)
    ledger.finish(zero[11])
    ledger.finish(zero[12])
    ledger.finish(one[10])
    assert ledger.take_committable() == {1: 11}
    ledger.finish(zero[10])
    assert ledger.take_committable() == {0: 13}
    assert ledger.take_committable() == {}


def test_gaps_in_the_offsets_of_the_log_do_not_hold_back_a_commit():
    ledger = ledger_of(0)
    claims = read(ledger, 0, 3, 7, 20)
    ledger.finish(claims[3])
    ledger.finish(claims[7])
    assert ledger.take_committable() == {0: 8}


def test_records_of_a_lost_partition_are_neither_held_nor_committed():
    ledger = ledger_of(0)
    claims = read(ledger, 0, 1, 2)
    ledger.finish(claims[1])
    ledger.drop(0)
    assert not ledger.holds(claims[2])
    ledger.finish(claims[2])
    assert ledger.take_committable() == {}
    assert ledger.read(0, 3) is None
    assert list(ledger.partitions) == []


def test_a_record_that_is_read_in_two_assignments_is_two():
    ledger = ledger_of(0)
    before = read(ledger, 0, 114, 115, 116)
    ledger.drop(0)
    ledger.assign(0)
    after = read(ledger, 0, 114, 115, 116)
    assert not any(ledger.holds(claim) for claim in before.values())
    assert all(ledger.holds(claim) for claim in after.values())
    for claim in before.values():
        ledger.finish(claim)
    assert ledger.take_committable() == {}
    ledger.finish(after[114])
    assert ledger.take_committable() == {0: 115}


@given(st.permutations(range(12)))
def test_whatever_order_records_finish_in_the_commit_never_passes_an_unfinished_one(order):
    ledger = ledger_of(0)
    claims = read(ledger, 0, *range(12))
    finished, committed = set(), 0
    for offset in order:
        ledger.finish(claims[offset])
        finished.add(offset)
        committed = ledger.take_committable().get(0, committed)
        assert set(range(committed)) <= finished
        assert committed not in finished

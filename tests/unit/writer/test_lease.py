"""Leave to insert runs out by itself and ends for good when it is abandoned."""

import threading

import pytest

from consumers.writer.lease import AbandonedError, Lease


def test_a_valid_lease_does_not_hold_anybody_up() -> None:
    lease = Lease(lambda: 10.0)
    lease.renew(10.1)
    lease.hold()


def test_one_that_ran_out_holds_until_it_is_renewed() -> None:
    lease = Lease(lambda: 10.0)
    lease.renew(10.0)
    passed = threading.Event()

    def insert() -> None:
        lease.hold()
        passed.set()

    thread = threading.Thread(target=insert)
    thread.start()
    assert not passed.wait(0.05)
    lease.renew(11.0)
    thread.join(10)
    assert passed.is_set()


def test_an_abandoned_one_ends_waiting_and_sleeping() -> None:
    lease = Lease(lambda: 0.0)
    threading.Timer(0.02, lease.abandon).start()
    with pytest.raises(AbandonedError):
        lease.hold()
    with pytest.raises(AbandonedError):
        lease.sleep(3600)
    lease.renew(1.0)
    assert lease.is_abandoned
    with pytest.raises(AbandonedError):
        lease.hold()

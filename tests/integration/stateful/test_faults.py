"""Kills, pauses and rebalances on a real broker: what readers see must equal an undisturbed run."""

import random
import signal
import time

import psutil
import pytest
from conftest import Bench, load, wait_until

from sightline.stateful import changelog_name
from sightline.stateful.facts import MARK_KEY, decode_snapshot

KEYS = 12


def finish(bench: Bench) -> None:
    bench.wait_done()
    expected = bench.expected()
    assert len(expected) == KEYS
    assert bench.outputs() == expected


def test_killed_at_random_times_nothing_is_lost_or_doubled(bench: Bench, rng: random.Random) -> None:
    with load(bench, KEYS, 400):
        worker = bench.start(instance_id="a")
        wait_until(lambda: bench.count(bench.output) > 0, 30, "the first output")
        for _ in range(4):
            time.sleep(rng.uniform(0.5, 2.5))
            worker.kill()
            worker.wait()
            worker = bench.start(instance_id="a")
        wait_until(lambda: bench.lag() < 400, 30, "the last worker to take over")
    finish(bench)
    assert bench.count(bench.output) > sum(map(len, bench.expected().values()))  # replays did happen


@pytest.mark.parametrize("point", ["before-output", "after-output", "before-snapshot", "after-snapshot"])
def test_killed_at_each_point_of_the_protocol(bench: Bench, point: str) -> None:
    with load(bench, KEYS, 300):
        for kills in (1, 3):
            worker = bench.start(instance_id="a", kill_at=point, kill_after=kills)
            assert worker.wait(30) == -signal.SIGKILL
        bench.start(instance_id="a")
        wait_until(lambda: bench.lag() < 300, 30, "the last worker to take over")
    finish(bench)


def test_scaled_from_one_to_three_to_one_under_load(bench: Bench) -> None:
    with load(bench, KEYS, 300):
        first = bench.start()
        wait_until(lambda: bench.count(bench.output) > 0, 30, "the first output")
        others = [bench.start(), bench.start()]
        for other in others:
            wait_until(lambda other=other: ": ready" in bench.log(other), 30, "the others to join")
        time.sleep(3)
        for other in others:
            other.send_signal(signal.SIGTERM)
        assert [other.wait(20) for other in others] == [0, 0]
        time.sleep(2)
    finish(bench)
    assert first.poll() is None


def test_a_paused_worker_that_wakes_up_moves_nothing_back(bench: Bench) -> None:
    with load(bench, KEYS, 300):
        zombie = bench.start()
        wait_until(lambda: bench.count(bench.output) > 300, 30, "the first outputs")
        zombie.send_signal(signal.SIGSTOP)
        heir = bench.start()
        wait_until(lambda: ": ready" in bench.log(heir), 40, "the heir to take over")
        time.sleep(1.5)
        zombie.send_signal(signal.SIGCONT)
        time.sleep(2)
        heir.kill()  # what the zombie left must be enough to go on from
        heir.wait()
        wait_until(lambda: bench.lag() < 300, 40, "the woken worker to take over again")
    finish(bench)


def test_an_older_snapshot_on_top_of_a_newer_costs_no_frame(bench: Bench) -> None:
    with load(bench, KEYS, 300):
        zombie = bench.start(kill_at="before-snapshot", kill_after=9, only_stop=True)
        wait_until(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_STOPPED, 90, "the stop")
        heir = bench.start()
        wait_until(lambda: ": ready" in bench.log(heir), 40, "the heir to take over")
        time.sleep(1.5)
        heir.kill()
        heir.wait()
        before = len(regressions(bench))
        zombie.send_signal(signal.SIGCONT)
        wait_until(lambda: len(regressions(bench)) > before, 30, "the zombie's snapshot")
        zombie.kill()
        zombie.wait()
        bench.start()
        wait_until(lambda: bench.lag() < 300, 40, "the last worker to take over")
    finish(bench)


def regressions(bench: Bench) -> list[bytes]:
    """Changelog keys that were written with a lower offset than before."""
    newest: dict[bytes, int] = {}
    found = []
    for record in bench.read(changelog_name(bench.group, "chain")):
        key, value = record.key() or b"", record.value() or b""
        if key != MARK_KEY:
            offset = decode_snapshot(value).offset
            if offset < newest.get(key, -1):
                found.append(key)
            newest[key] = max(offset, newest.get(key, -1))
    return found


def test_these_tests_catch_a_driver_that_acknowledges_before_the_snapshot(bench: Bench) -> None:
    with load(bench, KEYS, 300):
        for _ in range(2):
            worker = bench.start(instance_id="a", ack_first=True, kill_at="between", kill_after=3)
            assert worker.wait(30) == -signal.SIGKILL
        bench.start(instance_id="a", ack_first=True)
        wait_until(lambda: bench.lag() < 300, 30, "the last worker to take over")
    bench.wait_done()
    assert bench.outputs() != bench.expected()


def test_a_bug_in_the_step_ends_the_process_and_skips_nothing(bench: Bench) -> None:
    for seq in range(40):
        for stream in range(KEYS):
            bench.produce(b"cam-%d" % stream, 0, seq)
    bench.producer.flush(30)
    worker = bench.start(instance_id="a", fail_at=30)
    assert worker.wait(30) == 1
    assert "a bug in the step" in bench.log(worker)
    bench.start(instance_id="a")
    finish(bench)


def test_of_two_workers_with_one_name_one_ends_and_says_why_and_the_other_goes_on(bench: Bench) -> None:
    with load(bench, KEYS, 200):
        both = [bench.start(instance_id="a")]
        wait_until(lambda: bench.count(bench.output) > 0, 30, "the first output")
        both.append(bench.start(instance_id="a"))
        wait_until(lambda: any(each.poll() is not None for each in both), 60, "one to end")
        wait_until(lambda: bench.lag() < 200, 30, "the other to go on")
    finish(bench)
    ended = [each for each in both if each.poll() is not None]
    assert [each.poll() for each in ended] == [1]
    assert "another one has its name, 'a'" in bench.log(ended[0])

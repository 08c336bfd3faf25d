"""Tests of the tests: what is broken on purpose must be found, and so must each kind of difference."""

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.plant import Plant
from tests.faults.reference import Reference
from tests.faults.sender import ALL_STREAMS, DETECTION_STREAMS
from tests.faults.verifier import COLUMNS, Difference, Rows, compare

HERE = Path(__file__).parent
FRAMES = 100
AFTER = 100
# Records of one partition that a broken driver loses the effect of. Six streams lie in four partitions, so
# one of these has twice as many at least between two snapshots; in that time each stream has new objects.
CLAIMED = 60


def run_broken(
    folder: Path, reference: Reference, prefix: str, stage: str, script: Path, number: int
) -> Difference:
    """Let a broken stage die once between its two steps, and a good one go on.

    The load goes on for `AFTER` frames of each stream: a state that is behind shows only in what comes next.
    """
    with Plant(folder) as plant:
        plant.start("track" if stage == "write" else "write")
        broken = plant.start(str(number), script=script, track__instance_id="a")
        sender = plant.send(prefix, DETECTION_STREAMS, 100_000, frames_per_s=20)
        plant.until(lambda: plant.exit_code(broken) is not None, "the broken stage to die")
        assert plant.exit_code(broken) == -signal.SIGKILL, plant.last_words()
        plant.stop(broken)
        position = sender.position
        plant.start(stage, track__instance_id="a")
        plant.until(lambda: sender.position >= position + AFTER, "more load")
        sender.stop()
        plant.until(lambda: sender.done, "the load to be sent")
        sender.check()
        # The tables never get whole, so there is nothing to wait for but the end of all movement.
        plant.until_quiet(prefix)
        last = sender.position // 20 * 20
        reference.reach(last)
        return reference.difference(plant, prefix, DETECTION_STREAMS, last)


def test_a_driver_that_acknowledges_before_its_snapshot_is_found(
    tmp_path: Path, reference: Reference, prefix: str
) -> None:
    assert run_broken(tmp_path, reference, prefix, "track", HERE / "broken_track.py", CLAIMED)


def test_a_writer_that_commits_before_its_insert_is_found(
    tmp_path: Path, reference: Reference, prefix: str
) -> None:
    assert run_broken(tmp_path, reference, prefix, "write", HERE / "broken_writer.py", 3).lost > 0


def test_the_recording_is_worth_comparing(reference: Reference) -> None:
    reference.reach(FRAMES)
    rows = reference.rows(ALL_STREAMS, FRAMES)
    for table in COLUMNS:
        assert rows[table].keys() == set(ALL_STREAMS), table
        assert all(rows[table].values()), table
    assert any(row[5] != "\\N" for found in rows["classifications"].values() for row in found), (
        "no label changes"
    )


def _lose(rows: Rows) -> None:
    rows["tracks"]["d0"].popitem()


def _double(rows: Rows) -> None:
    rows["frames"]["d1"][next(iter(rows["frames"]["d1"]))] += 1


def _switch_an_identity(rows: Rows) -> None:
    row = next(iter(rows["tracks"]["d2"]))
    del rows["tracks"]["d2"][row]
    rows["tracks"]["d2"][(*row[:3], "999", *row[4:])] = 1


def _lose_a_stream(rows: Rows) -> None:
    del rows["detections"]["v0"]


def _invent_a_stream(rows: Rows) -> None:
    rows["frames"]["d9"] = Counter({("7", "0", "2026"): 1})


@pytest.mark.parametrize("spoil", [_lose, _double, _switch_an_identity, _lose_a_stream, _invent_a_stream])
def test_the_comparison_sees_each_kind_of_difference(
    reference: Reference, spoil: Callable[[Rows], None]
) -> None:
    reference.reach(FRAMES)
    good, bad = reference.rows(ALL_STREAMS, FRAMES), reference.rows(ALL_STREAMS, FRAMES)
    assert not compare(bad, good)
    spoil(bad)
    assert compare(bad, good)

"""Killed at any moment, the writer loses no row and writes none twice."""

import random
import threading
import time
from pathlib import Path

from writer_world import Sender, Writer, counts_sql, expected_counts, wait_for_rows

from sightline.settings import Settings

STREAMS = 6
STEPS = ("begun", "inserted tracks", "inserted frames", "inserted detections", "inserted", "ended")


def test_a_kill_at_each_step_of_a_batch_leaves_the_rows_of_an_undisturbed_run(
    settings: Settings, sender: Sender, data_dir: Path
) -> None:
    names = [f"step-{i}" for i in range(STREAMS)]
    for place, step in enumerate(STEPS):
        # The range crosses midnight in one of the runs, so a batch is more than one insert for each table.
        sender.frames(names, range(place * 12, place * 12 + 12))
        with Writer(settings, data_dir, fatal=(step, 1)) as writer:
            assert writer.wait(60) == -9
    total = len(STEPS) * 12
    with Writer(settings, data_dir) as writer:
        port = writer.wait_ready()
        wait_for_rows(port, counts_sql("step-"), expected_counts(STREAMS, total))
        assert "Replaying" in writer.log
        writer.terminate()
        assert writer.wait() == 0


def test_kills_at_random_times_under_load_leave_the_rows_of_an_undisturbed_run(
    settings: Settings, sender: Sender, data_dir: Path
) -> None:
    names = [f"random-{i}" for i in range(STREAMS)]
    frames, chance = 300, random.Random(7)

    def load() -> None:
        for seq in range(frames):
            sender.frames(names, [seq])
            if seq % 40 == 20:
                sender.frames(names, range(seq - 10, seq))  # as after the death of a stage before us
            time.sleep(0.03)

    loading = threading.Thread(target=load)
    loading.start()
    for _ in range(3):
        with Writer(settings, data_dir) as writer:
            writer.wait_ready()
            time.sleep(chance.uniform(0.2, 2.0))
            writer.kill()
    with Writer(settings, data_dir) as writer:
        port = writer.wait_ready()
        loading.join()
        wait_for_rows(port, counts_sql("random-"), expected_counts(STREAMS, frames))
        writer.terminate()
        assert writer.wait() == 0


def test_a_stop_writes_what_was_read_and_the_next_start_repeats_nothing(
    settings: Settings, sender: Sender, data_dir: Path
) -> None:
    slow = settings.model_copy(
        update={"write": settings.write.model_copy(update={"max_batch_delay_s": 30.0})}
    )
    sender.frames(["stop-a"], range(40))
    with Writer(slow, data_dir) as writer:
        writer.wait_ready()
        time.sleep(2)  # it reads, and would not write for half a minute
        writer.terminate()
        assert writer.wait(20) == 0
    with Writer(settings, data_dir) as writer:
        wait_for_rows(writer.wait_ready(), counts_sql("stop-"), expected_counts(1, 40))
        assert "Replaying" not in writer.log

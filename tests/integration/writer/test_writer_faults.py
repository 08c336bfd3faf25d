"""Members that come and go, and a ClickHouse that is away, slow to answer, or answers to nobody."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from writer_world import ROOT, Sender, Writer, ask, counts_sql, expected_counts, wait_for_rows

from sightline.settings import Settings
from sightline.stack.kafka import LocalKafka


class Members:
    """Writers of one group in a child process, told what to do line by line."""

    def __init__(self, settings: Settings, data_dir: Path) -> None:
        child = Path(__file__).with_name("members_child.py")
        self.log_path = data_dir.parent / "members.log"
        self._log = self.log_path.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, str(child), settings.model_dump_json(), str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        self.port = int(self._line())

    def tell(self, command: str) -> None:
        """Run one command; returns when it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        assert self._line() == "done"

    def end(self) -> int:
        """Let all leave; how the process ended."""
        assert self._process.stdin is not None
        self._process.stdin.write("end\n")
        self._process.stdin.flush()
        return self._process.wait(60)

    def close(self) -> None:
        """End it at once if it still runs."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                stream.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, self.log_path.read_text(errors="replace")[-2000:]
        return line


@pytest.fixture
def members(settings: Settings, data_dir: Path) -> Iterator[Members]:
    """No member yet."""
    found = Members(settings, data_dir)
    yield found
    found.close()


def test_members_that_come_and_go_under_load_write_each_row_once(members: Members, sender: Sender) -> None:
    names, frames = [f"scale-{i}" for i in range(8)], 200

    def load() -> None:
        for seq in range(frames):
            sender.frames(names, [seq])
            time.sleep(0.03)

    loading = threading.Thread(target=load)
    members.tell("start a")
    loading.start()
    for command in ("start b", "start c", "stop a", "start d", "stop b", "stop c"):
        time.sleep(1.0)
        members.tell(command)
    loading.join()
    wait_for_rows(members.port, counts_sql("scale-"), expected_counts(8, frames))
    assert members.end() == 0


def test_a_clickhouse_that_goes_away_and_loses_answers_costs_nothing(
    members: Members, sender: Sender
) -> None:
    names = ["away-a", "away-b"]
    members.tell("start a")
    sender.frames(names, range(20))
    wait_for_rows(members.port, counts_sql("away-"), expected_counts(2, 20))
    members.tell("down")
    sender.frames(names, range(20, 60))
    # Longer than the group waits for a silent member: this one is not silent.
    time.sleep(7)
    assert ask(members.port, "SELECT max(seq) FROM frames WHERE stream_id LIKE 'away-%'") == [(19,)]
    members.tell("lose 3")
    members.tell("up")
    wait_for_rows(members.port, counts_sql("away-"), expected_counts(2, 60))
    members.tell("down")
    sender.frames(names, range(60, 80))
    time.sleep(1)
    members.tell("stop a")  # it leaves with a batch that it began
    members.tell("up")
    members.tell("start b")
    wait_for_rows(members.port, counts_sql("away-"), expected_counts(2, 80))
    assert members.end() == 0


def test_a_second_writer_on_the_same_tables_is_told_so(settings: Settings, data_dir: Path) -> None:
    with Writer(settings, data_dir) as first:
        first.wait_ready()
        with Writer(settings, data_dir) as second:
            assert second.wait() == 1
            assert "in use by another process" in second.log
        assert ask(first.port, "SELECT 1") == [(1,)]


def test_a_taken_port_is_told_in_a_sentence(settings: Settings, data_dir: Path) -> None:
    with Writer(settings, data_dir) as first:
        port = first.wait_ready()
        taken = settings.model_copy(
            update={"clickhouse": settings.clickhouse.model_copy(update={"http_port": port})}
        )
        other = data_dir.parent / "other"
        other.mkdir()
        with Writer(taken, other) as second:
            assert second.wait() == 1
            assert f"Port {port}" in second.log


def test_a_writer_that_sleeps_longer_than_the_group_waits_wakes_up_and_repeats_nothing(
    settings: Settings, sender: Sender, data_dir: Path
) -> None:
    names = ["sleep-a", "sleep-b"]
    with Writer(settings, data_dir) as writer:
        port = writer.wait_ready()
        sender.frames(names, range(20))
        writer.signal(signal.SIGSTOP)
        sender.frames(names, range(20, 40))
        time.sleep(float(settings.kafka.session_timeout_s) + 1.5)
        writer.signal(signal.SIGCONT)
        sender.frames(names, range(40, 60))
        wait_for_rows(port, counts_sql("sleep-"), expected_counts(2, 60))
        writer.terminate()
        assert writer.wait() == 0


def test_a_broker_that_is_killed_and_comes_back_costs_nothing(
    settings: Settings, sender: Sender, data_dir: Path, writer_kafka: LocalKafka
) -> None:
    names = ["broker-a", "broker-b"]
    with Writer(settings, data_dir) as writer:
        port = writer.wait_ready()
        sender.frames(names, range(20))
        writer_kafka.kill()
        time.sleep(2)
        writer_kafka.start()
        writer_kafka.wait_ready()
        sender.frames(names, range(20, 40))
        wait_for_rows(port, counts_sql("broker-"), expected_counts(2, 40))
        writer.terminate()
        assert writer.wait() == 0

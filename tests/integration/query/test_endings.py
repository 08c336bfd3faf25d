"""`sightline query` as a process: Ctrl-C ends it at once, and so does a reader who has seen enough."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ENDLESS = "SELECT count() FROM system.numbers WHERE NOT ignore(sipHash64(number))"


def start(tables: Path, sql: str, *options: str) -> subprocess.Popen[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SIGHTLINE_")}
    words = [sys.executable, "-m", "sightline", "query", sql, "--data", str(tables), *options]
    return subprocess.Popen(
        words, env=env, cwd=tables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_until_asked(tables: Path) -> None:
    """Until the process has the engine's folder, and a little more."""
    until_s = time.monotonic() + 60
    with (tables / "clickhouse.lock").open() as lock:
        while time.monotonic() < until_s:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(1)
                return
            fcntl.flock(lock, fcntl.LOCK_UN)
            time.sleep(0.05)
    raise AssertionError("it never began")


def test_ctrl_c_ends_a_long_question_at_once_and_without_a_word(tables: Path) -> None:
    with start(tables, ENDLESS) as process:
        wait_until_asked(tables)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (out, err) == ("", "")
    assert process.returncode in (130, -signal.SIGINT)


@pytest.mark.parametrize("output", ["table", "csv", "json"])
def test_a_reader_who_goes_away_is_no_error(tables: Path, output: str) -> None:
    with start(tables, "SELECT number FROM numbers(150000)", "--format", output) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) in (0, 1)
        assert process.stderr.read() == ""

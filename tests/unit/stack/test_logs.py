"""The end of a log, the telling lines of it, and its bound."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sightline.stack.logs import bound, tail, telling_lines

PATTERNS = (r"No space left", r"ERROR|Exception")


def test_the_tail_is_the_last_lines_of_this_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("old\nnew 1\n\nnew 2\n")
    assert tail(log, 5, start=4) == ["new 1", "new 2"]
    assert tail(log, 1) == ["new 2"]
    assert tail(tmp_path / "absent") == []


def test_a_start_behind_the_end_means_the_log_was_cut(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("line\n")
    assert tail(log, 5, start=1000) == ["line"]


def test_the_most_telling_pattern_wins_over_later_noise() -> None:
    log = [
        "starting",
        "java.io.IOException: No space left on device",
        "\tat java.base/x.Y.z(Y.java:1)",
        "ERROR late",
    ]
    assert telling_lines(log, PATTERNS) == ["java.io.IOException: No space left on device"]


def test_without_a_hit_the_last_lines_are_given_but_no_stack_traces() -> None:
    assert telling_lines(["a", "b", "\tat x.Y.z(Y.java:1)"], PATTERNS) == ["a", "b"]


@given(st.binary(max_size=2000))
def test_any_bytes_can_be_read(data: bytes) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        log.write_bytes(data)
        assert all(line.strip() for line in tail(log))


def test_a_log_over_its_bound_is_cut_while_the_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 900 + b"y" * 200)
        assert bound(log, 1000)
        assert not bound(log, 1000)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    assert (tmp_path / "log.1").read_bytes() == b"x" * 300 + b"y" * 200

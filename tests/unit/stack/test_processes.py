"""Child processes, with real ones that do next to nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from sightline.errors import SightlineError
from sightline.stack.processes import Child, ProcessSpec
from sightline.stack.signals import Patience, interrupted_by_signals
from sightline.stack.supervisor import ChildService, State, Supervisor

WAIT_S = 30.0
IGNORE = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
DEAF = f"{IGNORE}; print('deaf', flush=True); time.sleep(600)"
# A child with a child of its own that is deaf, as a server with its workers.
FAMILY = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}]).wait()"


def spec(folder: Path, *argv: str, stop_timeout_s: float = 10.0) -> ProcessSpec:
    return ProcessSpec("child", argv, os.environ, folder / "child.log", stop_timeout_s=stop_timeout_s)


def python(folder: Path, code: str, stop_timeout_s: float = 10.0) -> ProcessSpec:
    return spec(folder, sys.executable, "-c", code, stop_timeout_s=stop_timeout_s)


def eventually(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_output_goes_to_the_log_and_the_exit_code_comes_back(tmp_path: Path) -> None:
    first = Child(python(tmp_path, "import sys; print('out'); sys.exit(3)"))
    assert first.wait(WAIT_S) == 3
    second = Child(python(tmp_path, "import sys; print('err', file=sys.stderr)"))
    assert second.wait(WAIT_S) == 0
    assert (tmp_path / "child.log").read_text() == "out\nerr\n"
    assert second.last_lines() == ["err"]


def test_a_program_that_is_not_there_is_said_in_the_log(tmp_path: Path) -> None:
    child = Child(spec(tmp_path, "/no/such/program"))
    assert child.wait(WAIT_S) == 127
    assert child.last_lines() == ["cannot run /no/such/program: No such file or directory"]


def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "child.log").mkdir()
    with pytest.raises(SightlineError, match="Cannot start child with its log in"):
        Child(spec(tmp_path, "true"))


def test_each_child_has_a_session_of_its_own_so_ctrl_c_in_the_terminal_reaches_only_us(
    tmp_path: Path,
) -> None:
    child = Child(python(tmp_path, "import time; time.sleep(600)"))
    try:
        assert os.getsid(child.pid) == child.pid != os.getsid(0)
    finally:
        child.kill()


def test_stop_asks_first(tmp_path: Path) -> None:
    child = Child(python(tmp_path, "import time; print('up', flush=True); time.sleep(600)"))
    assert eventually(lambda: child.last_lines() == ["up"])
    assert child.stop() == -signal.SIGTERM


def test_stop_ends_a_deaf_child_and_its_children(tmp_path: Path) -> None:
    child = Child(python(tmp_path, f"{IGNORE}; {FAMILY}", stop_timeout_s=0.1))
    assert eventually(lambda: child.last_lines() == ["deaf"])
    (grandchild,) = psutil.Process(child.pid).children()
    assert child.stop() == -signal.SIGKILL
    assert eventually(lambda: is_gone(grandchild.pid))


def test_what_a_crashed_child_leaves_in_its_group_is_ended(tmp_path: Path) -> None:
    child = Child(python(tmp_path, FAMILY))
    assert eventually(lambda: child.last_lines() == ["deaf"])
    (grandchild,) = psutil.Process(child.pid).children()
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait(WAIT_S) == -signal.SIGKILL
    assert eventually(lambda: is_gone(grandchild.pid))


def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    code = f"""
import os, sys, time
from pathlib import Path
from sightline.stack.processes import Child, ProcessSpec
argv = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)")
print(Child(ProcessSpec("child", argv, os.environ, Path({str(tmp_path)!r}) / "child.log")).pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert eventually(lambda: (tmp_path / "child.log").read_text() == "up\n")
        parent.kill()
    assert eventually(lambda: is_gone(pid))


def test_a_child_whose_parent_died_before_the_leash_was_on_ends_at_once() -> None:
    from sightline.stack import leash

    # Process 1 is never the parent of a process that we start.
    command = [sys.executable, "-I", "-S", leash.__file__, "1", "15", sys.executable, "-c", "print('ran')"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert (answer.returncode, answer.stdout) == (1, "")


def test_children_are_started_from_the_main_thread_only(tmp_path: Path) -> None:
    caught: list[BaseException] = []

    def start() -> None:
        try:
            Child(spec(tmp_path, "true"))
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join(WAIT_S)
    assert "main thread" in str(caught[0])


def test_a_supervised_process_is_started_again_with_a_new_pid(tmp_path: Path) -> None:
    supervisor = Supervisor()
    supervisor.add(ChildService(python(tmp_path, "import time; time.sleep(600)")))
    try:
        (before,) = supervisor.snapshot()
        os.kill(before.pid, signal.SIGKILL)
        states: list[State] = []

        def is_back() -> bool:
            states.extend(event.state for event in supervisor.poll())
            return State.RUNNING in states

        assert eventually(is_back)
        (after,) = supervisor.snapshot()
        assert states == [State.WAITING, State.RUNNING]
        assert after.pid != before.pid
        assert psutil.pid_exists(after.pid)
    finally:
        supervisor.stop()
    assert is_gone(after.pid)


def test_sigterm_is_an_interrupt_as_ctrl_c_is() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interrupted_by_signals():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_ctrl_c_during_the_stop_ends_the_wait_and_leaves_no_orphan(tmp_path: Path) -> None:
    supervisor = Supervisor()
    service = ChildService(python(tmp_path, DEAF, stop_timeout_s=600))
    supervisor.add(service)
    assert eventually(lambda: service.last_lines(1) == ["deaf"])
    with Patience() as patience:
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        supervisor.stop(hurry=patience.is_over)
    timer.join()
    assert patience.is_over()
    assert service.exit_code() == -signal.SIGKILL

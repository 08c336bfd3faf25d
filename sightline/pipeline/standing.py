"""A pipeline that stays: started by `sightline up`, stopped by Ctrl-C or `sightline down`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from sightline.errors import SightlineError
from sightline.pipeline.cameras import Camera
from sightline.pipeline.monitor import Monitor
from sightline.pipeline.pipeline import POLL_S, Pipeline
from sightline.pipeline.plan import LOGS, stage_environment
from sightline.pipeline.runs import prepare, speaker, warn_of_model
from sightline.settings import Settings
from sightline.stack.datadir import DataDir, StackState, read_stack
from sightline.stack.signals import Patience, interrupted_by_signals

START_TIMEOUT_S: Final = 600.0
STOP_TIMEOUT_S: Final = 60.0
UP_LOG: Final = "up.log"


def stand(settings: Settings, data: DataDir, cameras: Sequence[Camera], console: Console) -> None:
    """Start everything and keep it running until SIGINT or SIGTERM; then stop it in good order.

    Frames can come from anywhere, so there is always an infer worker.

    Raises:
        SightlineError: Something cannot be started, or keeps crashing.
    """
    say = speaker(console)
    with interrupted_by_signals():
        repository = prepare(settings, data, cameras, infers=True)
        warn_of_model(settings, cameras, console)
        pipeline = Pipeline(settings, data, repository, say)
        try:
            pipeline.start()
            since_ns = time.time_ns()
            pipeline.start_cameras(cameras)
            describe(console, data.path, read_stack(data.path))
            with Monitor(pipeline, console, since_ns, "Up; Ctrl-C stops") as monitor:
                while True:
                    pipeline.poll()
                    monitor.tick()
                    time.sleep(POLL_S)
        except KeyboardInterrupt:
            pass  # this is how it is meant to end
        finally:
            with Patience() as patience:
                say("Stopping")
                pipeline.stop(hurry=patience.is_over)


def describe(console: Console, folder: Path, state: StackState | None) -> None:
    """Print where the parts of a running pipeline answer."""
    if state is None:
        return
    lines = [f"Kafka       {state.kafka.get('bootstrap')}"]
    if state.triton:
        lines.append(f"Triton      {state.triton.get('url')}")
    if port := state.clickhouse.get("http_port"):
        lines.append(f"ClickHouse  http://127.0.0.1:{port}  (read only)")
    lines.append(f"Data        {folder}")
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def detach(settings: Settings, console: Console) -> None:
    """Start `sightline up` with these settings as a process of its own and wait until everything runs.

    Raises:
        SightlineError: It cannot be started, ended, or is not up in time; its log says why.
    """
    folder = settings.data.dir.absolute()
    if (state := read_stack(folder)) is not None:
        raise SightlineError(
            f"The data folder {folder} is in use by the process {state.pid}.",
            "Stop that one with `sightline down`, or name another folder with --data.",
        )
    log = folder / LOGS / UP_LOG
    with DataDir(folder):  # refuses a folder that cannot be used, in words that are not in a log
        log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sightline", "up", "--data", str(folder)],
            # Settings travel as they do to stages: whatever they came from, and where nobody sees passwords.
            env=stage_environment(settings, os.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while (state := read_stack(folder)) is None or not state.ready:
        if process.poll() is not None:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-8:]
            raise SightlineError("It did not start: " + "\n".join(said), f"The whole log is in {log}.")
        if time.monotonic() > deadline_s:
            process.send_signal(signal.SIGTERM)
            raise SightlineError(f"It was not up after {START_TIMEOUT_S:.0f} s.", f"Look into {log}.")
        time.sleep(POLL_S)
    describe(console, folder, state)
    console.print("It runs in the background; `sightline down` stops it.", highlight=False)


def stop_standing(folder: Path) -> None:
    """Stop the pipeline that runs in a data folder and wait until it has ended.

    Raises:
        SightlineError: Nothing runs there, or it does not end.
    """
    state = read_stack(folder)
    if state is None:
        raise SightlineError(f"Nothing runs in {folder}.", "Name its folder with --data.")
    os.kill(state.pid, signal.SIGTERM)
    deadline_s = time.monotonic() + STOP_TIMEOUT_S
    while read_stack(folder) is not None:
        if time.monotonic() > deadline_s:
            raise SightlineError(
                f"The process {state.pid} has not ended after {STOP_TIMEOUT_S:.0f} s.",
                f"Look into {folder / LOGS}.",
            )
        time.sleep(POLL_S)

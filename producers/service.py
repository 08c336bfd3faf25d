"""Runs a gateway as a process: until its streams end or a signal comes."""

import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from producers.gateway import run_gateway
from sightline.ending import end_by_force
from sightline.settings import Settings, StreamSettings


def serve_gateway(streams: Mapping[str, StreamSettings], settings: Settings, state_dir: Path) -> int:
    """Run a gateway until its streams end, or SIGTERM or SIGINT; returns the exit code."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        end_by_force()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    return run_gateway(streams, settings, state_dir=state_dir, stop=stop).exit_code

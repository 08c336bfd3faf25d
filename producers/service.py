"""Runs a gateway as a process: until its streams end or a signal comes."""

import logging
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from producers.gateway import run_gateway
from sightline.ending import end_by_force
from sightline.named_models import is_shipped, shipped_detector_sentence
from sightline.settings import Settings, StreamSettings
from sightline.stream_names import is_synthetic

_LOG = logging.getLogger(__name__)


def serve_gateway(streams: Mapping[str, StreamSettings], settings: Settings, state_dir: Path) -> int:
    """Run a gateway until its streams end, or SIGTERM or SIGINT; returns the exit code."""
    _warn_of_the_shipped_detector(streams, settings)
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        end_by_force()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    return run_gateway(streams, settings, state_dir=state_dir, stop=stop).exit_code


def _warn_of_the_shipped_detector(streams: Mapping[str, StreamSettings], settings: Settings) -> None:
    real = [
        name
        for name, stream in streams.items()
        if (stream.mode or settings.gateway.mode) == "detections" and not is_synthetic(stream.source)
    ]
    if real and is_shipped(settings.model):
        _LOG.warning(shipped_detector_sentence(", ".join(real[:5])))

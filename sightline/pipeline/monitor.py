"""Shows how a run goes while it goes: a live table on a terminal, plain lines in a pipe."""

import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from clickhouse_connect.driver.exceptions import ClickHouseError
from rich.console import Console
from rich.live import Live

from sightline.pipeline.pipeline import Pipeline
from sightline.pipeline.progress import Sample, progress_line, progress_table, read_sample

TERMINAL_INTERVAL_S = 1.0
PIPE_INTERVAL_S = 5.0
RECENT_S = 5.0
RATE_WINDOW_S = 10.0
"""Rates are over so long: the stages report each second, and their reports take a while to the table."""


class Monitor:
    """Samples a pipeline now and then and shows the flow since the last sample.

    Args:
        pipeline: A started pipeline.
        console: Where to show.
        since_ns: Start of the run, Unix nanoseconds.
        title: What is being done, for the terminal.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        console: Console,
        since_ns: int,
        title: str,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.title = title
        self._pipeline = pipeline
        self._console = console
        self._since_ns = since_ns
        self._clock_s = clock_s
        self._started_s = clock_s()
        self._samples = deque([Sample(self._started_s, {})])
        self._interval_s = TERMINAL_INTERVAL_S if console.is_terminal else PIPE_INTERVAL_S
        self._live = (
            Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        )

    def tick(self) -> None:
        """Sample and show if it is time to; call it a few times a second."""
        now_s = self._clock_s()
        if now_s - self._samples[-1].at_s < self._interval_s:
            return
        self._pipeline.sample_memory()
        recent_ns = time.time_ns() - int(RECENT_S * 1e9)
        try:
            sample = read_sample(self._pipeline.query, self._since_ns, recent_ns, now_s)
        except (ClickHouseError, OSError):
            return  # the writer is being started again; the next look will tell
        before, elapsed_s = self._window(now_s), now_s - self._started_s
        if self._live is not None:
            self._live.update(
                progress_table(before, sample, f"{self.title}  {elapsed_s:.0f} s"), refresh=True
            )
        elif sample.streams:
            self._console.print(progress_line(before, sample, elapsed_s), soft_wrap=True)
        self._samples.append(sample)

    def _window(self, now_s: float) -> Sample:
        """The sample that rates are counted from; older ones are forgotten."""
        while len(self._samples) > 1 and now_s - self._samples[0].at_s > RATE_WINDOW_S:
            self._samples.popleft()
        return self._samples[0]

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

"""Telling how a training run goes, on standard error."""

import sys
import time
from dataclasses import dataclass, field


@dataclass
class Progress:
    """Prints a line now and then.

    Attributes:
        steps: How many there will be.
        every: Steps between lines.
    """

    steps: int
    every: int = 100
    _sums: dict[str, float] = field(default_factory=dict)
    _began_s: float = field(default_factory=time.monotonic)

    def step(self, number: int, values: dict[str, float]) -> None:
        """Take the values of one step; print the mean of the last ones when a line is due."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        if (number + 1) % self.every:
            return
        passed_s = time.monotonic() - self._began_s
        means = " ".join(f"{name} {total / self.every:.4f}" for name, total in self._sums.items())
        self._sums.clear()
        self.say(f"step {number + 1}/{self.steps} {means} ({passed_s:.0f} s)")

    def say(self, text: str) -> None:
        """Print a line."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

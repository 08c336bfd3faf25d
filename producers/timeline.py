"""Makes one steady clock of the positions that a decoder reports."""

import math

_DEFAULT_FPS = 25.0
_MAX_STEP_MS = 3_600_000.0


def sane_fps(fps: float) -> float:
    """The rate, or 25 where the header's is missing or nonsense."""
    return fps if math.isfinite(fps) and 0 < fps <= 1000 else _DEFAULT_FPS


class Timeline:
    """Timestamps that rise with every frame, whatever the container says.

    Positions are believed where they rise, so that a variable frame rate keeps its true steps. One that does
    not rise (missing, repeated, or starting over where two recordings were joined), is not finite or leaps by
    more than an hour counts as one frame interval, and later positions are shifted to follow on.
    """

    def __init__(self, fps: float) -> None:
        """Take the nominal rate, in frames a second, over 0."""
        self._interval_ms = 1000.0 / fps
        self._last_ms: float | None = None
        self._shift_ms = 0.0

    def next_ns(self, position_ms: float) -> int:
        """The timestamp of the next frame, in nanoseconds since the first.

        Args:
            position_ms: What the decoder says, in milliseconds; may be anything, NaN too.
        """
        if self._last_ms is None:
            self._shift_ms = -position_ms if math.isfinite(position_ms) else 0.0
            self._last_ms = 0.0
            return 0
        here_ms = position_ms + self._shift_ms
        # NaN compares false, so it is refused as well. A step under a microsecond is a repeat.
        if not 0.001 <= here_ms - self._last_ms <= _MAX_STEP_MS:
            here_ms = self._last_ms + self._interval_ms
            self._shift_ms = here_ms - position_ms if math.isfinite(position_ms) else self._shift_ms
        self._last_ms = here_ms
        return round(here_ms * 1e6)

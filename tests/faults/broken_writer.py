"""A writer that is broken on purpose: it commits a batch as done before it inserts it.

`broken_writer.py NUMBER` dies between the two at its NUMBERth batch that has tracks.
"""

import math
import os
import signal
import sys
from collections.abc import Callable
from unittest.mock import patch

from consumers.writer.lease import Lease
from consumers.writer.loop import Loop
from consumers.writer.service import run_writer
from schemas.topics import TRACKS
from sightline.settings_sources import load


def main() -> None:
    settings = load(os.environ).settings
    left = int(sys.argv[1])

    class HastyLoop(Loop):
        """Ends what it has only begun."""

        def _launch(
            self,
            units: object,
            ends: dict,
            now_s: float,
            write: Callable[[Lease], None],  # type: ignore[type-arg]
        ) -> None:
            nonlocal left
            self._offsets.end(ends)
            tracks = any(place.topic == TRACKS.name for place in ends)
            left -= tracks
            if tracks and left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            super()._launch(units, ends, now_s, write)  # type: ignore[arg-type]

        def _renew(self, flight: object) -> None:
            flight.renew_at_s = math.inf  # type: ignore[attr-defined]

    with patch("consumers.writer.service.Loop", HastyLoop):
        run_writer(settings, data_dir=settings.data.dir, ready=lambda _: None)


if __name__ == "__main__":
    main()

"""The end of a stage's process: asked for by a signal, and certain."""

import logging
import os
import threading
from typing import Final

FORCED_EXIT: Final = 1
SUPERSEDED_EXIT: Final = 3
"""A gateway ended because another has taken its streams over: started again it would take them back."""

STOP_LIMIT_S: Final = 20.0
"""Longer than any stage takes to stop in good order."""

_log = logging.getLogger(__name__)


def end_by_force(after_s: float = STOP_LIMIT_S) -> None:
    """End this process after so long if it has not ended by itself.

    A client of a broker that is gone can wait for it without limit, also while it is closed. To be cut short
    is no worse than a crash: what was not committed is done again.
    """
    timer = threading.Timer(after_s, _end, args=(after_s,))
    timer.daemon = True
    timer.start()


def _end(after_s: float) -> None:
    _log.warning("Not ended %.0f s after being asked to: ending by force; the next start goes on.", after_s)
    logging.shutdown()
    os._exit(FORCED_EXIT)

"""Python's garbage collector for a process that handles many small messages."""

import gc
from typing import Final

THRESHOLDS: Final = (100_000, 50, 100)


def collect_seldom() -> None:
    """Look for cycles seldom, and never among what is there already.

    Messages and arrays hold no cycles and go when their last user lets go. The default looks through all
    that the libraries keep, again and again; in the writer it took a fifth as long as reading the messages.
    Call it once, when everything is imported, in a process of one's own.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)

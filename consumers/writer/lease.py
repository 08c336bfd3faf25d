"""Leave to insert: it lasts as long as the group is known to count us as the owner of what we write."""

import threading
from collections.abc import Callable


class AbandonedError(Exception):
    """What was to be written is not ours any more, or the writer stops."""


class Lease:
    """Given by the thread that talks to Kafka, taken by the one that inserts.

    A process that slept must not go on inserting as if nothing had happened: others may own its partitions by
    now. The lease runs out while it sleeps, and is renewed only when the group has taken a commit.

    Args:
        clock_s: A clock that never jumps, in seconds.
    """

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._changed = threading.Condition()
        self._until_s = float("-inf")
        self._abandoned = False

    def renew(self, until_s: float) -> None:
        """Let it last until then."""
        with self._changed:
            self._until_s = until_s
            self._changed.notify_all()

    def abandon(self) -> None:
        """End it for good."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def hold(self) -> None:
        """Return when the lease is valid; raises `AbandonedError` when it has ended for good."""
        with self._changed:
            while not self._abandoned and self._clock_s() >= self._until_s:
                self._changed.wait()
            self._raise_if_abandoned()

    def sleep(self, seconds: float) -> None:
        """Wait that long; raises `AbandonedError` as soon as the lease has ended for good."""
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned, seconds)
            self._raise_if_abandoned()

    @property
    def is_abandoned(self) -> bool:
        """Whether it has ended for good."""
        with self._changed:
            return self._abandoned

    def _raise_if_abandoned(self) -> None:
        if self._abandoned:
            raise AbandonedError

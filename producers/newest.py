"""A place between a thread that must not wait and one that may be slow."""

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Holds the newest few things that were put in and not taken yet; nothing vanishes in it.

    Args:
        capacity: How many it holds; 1 or more.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._changed = threading.Condition()
        self._held: deque[T] = deque()
        self._closed = False

    def put(self, thing: T) -> T | None:
        """Put a thing in; returns the one without a place: the oldest, or this one once it is closed."""
        with self._changed:
            if self._closed:
                return thing
            displaced = self._held.popleft() if len(self._held) == self._capacity else None
            self._held.append(thing)
            self._changed.notify()
            return displaced

    def take(self, timeout_s: float) -> T | None:
        """Wait for the oldest thing held; None after timeout_s, and at once where none will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._held or self._closed, timeout_s)
            return self._held.popleft() if self._held else None

    def close(self) -> None:
        """Take nothing more in; what is held can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def finished(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._closed and not self._held

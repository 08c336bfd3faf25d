"""The end of one stream before its source's, and why."""

import threading


class StreamStop(threading.Event):
    """Set when a stream is to end.

    Attributes:
        reason: What frames are counted as dropped for that are in hand then.
        message: A sentence for people where it was not asked for, else empty.
    """

    reason = "stopped"
    message = ""

    def supersede(self, message: str) -> None:
        """End the stream because another gateway has taken it over; says which."""
        self.reason, self.message = "superseded", message
        self.set()

    @property
    def superseded(self) -> bool:
        """Whether another gateway has taken the stream over."""
        return bool(self.message)

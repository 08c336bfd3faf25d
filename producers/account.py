"""Where each captured frame of a stream is, so that none is lost without a word."""

import threading
from collections import Counter, deque


class FrameAccount:
    """Counts a stream's frames from capture to the broker; any thread may call any method.

    Each captured frame is in hand, then in flight to the broker, and in the end published or dropped for a
    reason: captured = in hand + in flight + published + dropped.

    Args:
        paced: Also remember the published frames that their consumers have not taken yet.
    """

    def __init__(self, *, paced: bool = False) -> None:
        self._paced = paced
        self._changed = threading.Condition()
        self._captured = 0
        self._in_flight = 0
        self._published = 0
        self._dropped: Counter[str] = Counter()
        self._untaken: dict[int, deque[int]] = {}
        self._closed = False

    def capture(self) -> int | None:
        """Count one more captured frame; returns its number, or None once the account is closed."""
        with self._changed:
            if self._closed:
                return None
            self._captured += 1
            return self._captured - 1

    def miss(self, count: int, reason: str) -> bool:
        """Count frames that were captured and dropped at once; False once the account is closed."""
        with self._changed:
            if self._closed:
                return False
            self._captured += count
            self._dropped[reason] += count
            self._changed.notify_all()
            return True

    def drop(self, reason: str) -> None:
        """A frame in hand is given up."""
        with self._changed:
            self._dropped[reason] += 1
            self._changed.notify_all()

    def send(self) -> None:
        """A frame in hand goes to the producer."""
        with self._changed:
            self._in_flight += 1

    def take_back(self) -> None:
        """The producer did not want it: it is in hand again."""
        with self._changed:
            self._in_flight -= 1

    def publish(self, partition: int, offset: int) -> None:
        """A frame in flight has been stored by the broker."""
        with self._changed:
            self._in_flight -= 1
            self._published += 1
            if self._paced:
                self._untaken.setdefault(partition, deque()).append(offset)
            self._changed.notify_all()

    def fail(self, reason: str) -> None:
        """A frame in flight was not stored."""
        with self._changed:
            self._in_flight -= 1
            self._dropped[reason] += 1
            self._changed.notify_all()

    def taken(self, partition: int, next_offset: int) -> None:
        """The consumers have taken the partition's records up to, not including, next_offset."""
        with self._changed:
            untaken = self._untaken.get(partition, deque())
            while untaken and untaken[0] < next_offset:
                untaken.popleft()
            self._changed.notify_all()

    def stop_pacing(self) -> None:
        """Remember no more frames that are not taken: a live stream waits for nobody."""
        with self._changed:
            self._paced = False
            self._untaken.clear()

    def close(self) -> None:
        """Take no more frames; the counters may still move for those in flight."""
        with self._changed:
            self._closed = True

    @property
    def in_flight(self) -> int:
        """Frames with the producer and without an answer."""
        with self._changed:
            return self._in_flight

    @property
    def ahead(self) -> int:
        """Frames that the consumers have yet to take: those in flight and those stored."""
        with self._changed:
            return self._ahead()

    def partitions(self) -> list[int]:
        """Partitions that hold frames not taken yet."""
        with self._changed:
            return [partition for partition, offsets in self._untaken.items() if offsets]

    def counters(self) -> dict[str, int]:
        """`captured`, `published` and `dropped.<reason>`, all of the same moment."""
        with self._changed:
            dropped = {f"dropped.{reason}": count for reason, count in sorted(self._dropped.items())}
            return {"captured": self._captured, "published": self._published} | dropped

    def wait_for_room(self, max_in_flight: int, max_ahead: int | None, timeout_s: float) -> bool:
        """Wait until there is room for one more; False if there is none after timeout_s."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._in_flight < max_in_flight and (max_ahead is None or self._ahead() < max_ahead),
                timeout_s,
            )

    def wait_settled(self, timeout_s: float) -> bool:
        """Wait until every captured frame is published or dropped; False if one is not after timeout_s."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._captured == self._published + self._dropped.total(), timeout_s
            )

    def _ahead(self) -> int:
        return self._in_flight + sum(len(offsets) for offsets in self._untaken.values())

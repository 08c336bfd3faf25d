"""Reports the health of a gateway's streams on `sightline.streams.v1`."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from producers.encoding import ClockNs
from producers.publisher import Publisher
from schemas.streams import MAX_MESSAGE_CHARS, StreamStatus
from schemas.topics import STREAMS
from sightline.redaction import scrubbed


@dataclass(frozen=True)
class StreamReport:
    """A stream of a gateway as it stands.

    Attributes:
        stream_id: The stream.
        epoch: Its start.
        state: As in its status: "running", "ended" or "failed".
        message: A sentence for people, empty if all is well.
        counters: `captured`, `published` and `dropped.<reason>`.
        superseded: Whether it failed because another gateway has taken it over.
    """

    stream_id: str
    epoch: int
    state: str
    message: str
    counters: Mapping[str, int]
    superseded: bool = False


class Statuses:
    """Publishes statuses of the stage "capture", each stream's one at a time.

    Args:
        publisher: Where they go.
        instance: Name of this gateway.
        clock_ns: The wall clock.
        on_status: Is shown each as well.
    """

    def __init__(
        self,
        publisher: Publisher,
        instance: str,
        clock_ns: ClockNs,
        on_status: Callable[[StreamStatus], None] | None = None,
    ) -> None:
        self._publisher = publisher
        self._instance = instance
        self._clock_ns = clock_ns
        self._on_status = on_status
        self._changed = threading.Condition()
        self._under_way: set[str] = set()
        self._final: dict[str, bool | None] = {}

    def running(self, report: StreamReport) -> None:
        """Report a stream; not to the broker while it still holds the last one up, as the next will do."""
        status = self._shown(report)
        with self._changed:
            if report.stream_id in self._under_way:
                return
            self._under_way.add(report.stream_id)
        self._send(status, lambda _: self._landed(report.stream_id))

    def announce(self, stream_id: str, epoch: int) -> None:
        """Say that a stream begins with this epoch, before its first frame."""
        counters = {"captured": 0, "published": 0}
        status = self._status(StreamReport(stream_id, epoch, "running", "", counters))
        self._send(status, lambda _: None)

    def final(self, report: StreamReport) -> None:
        """Report the end of a stream; `wait_final` waits for them."""
        status = self._shown(report)
        with self._changed:
            self._final[report.stream_id] = None
        self._send(status, lambda stored: self._ended(report.stream_id, stored))

    def wait_final(self, timeout_s: float) -> bool | None:
        """Wait for the broker's answer to all final reports.

        Returns:
            Whether it has stored them all, or None if it has not answered within timeout_s.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: None not in self._final.values(), timeout_s):
                return None
            return all(self._final.values())

    def _shown(self, report: StreamReport) -> StreamStatus:
        status = self._status(report)
        if self._on_status is not None:
            self._on_status(status)
        return status

    def _status(self, report: StreamReport) -> StreamStatus:
        return StreamStatus(
            stream_id=report.stream_id,
            epoch=report.epoch,
            stage="capture",
            instance=self._instance,
            at_ns=self._clock_ns(),
            state=report.state,
            message=_sendable(scrubbed(report.message)),
            counters=report.counters,
        )

    def _send(self, status: StreamStatus, done: Callable[[bool], None]) -> None:
        self._publisher.send_status(STREAMS.name, status.key, status.to_bytes(), done)

    def _landed(self, stream_id: str) -> None:
        with self._changed:
            self._under_way.discard(stream_id)

    def _ended(self, stream_id: str, stored: bool) -> None:
        with self._changed:
            self._final[stream_id] = stored
            self._changed.notify_all()


def _sendable(text: str) -> str:
    """Names of files can hold bytes that are no text, and what libraries say can be long."""
    return text.encode(errors="backslashreplace").decode()[:MAX_MESSAGE_CHARS]

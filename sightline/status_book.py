"""Counts what a stage did for each stream, and reports it."""

from collections import Counter
from collections.abc import Iterator

from schemas.streams import StreamStatus


class StatusBook:
    """Totals per stream since this process began.

    Args:
        stage: Name of the stage.
        instance: Name of this process among the stage's.
    """

    def __init__(self, stage: str, instance: str) -> None:
        self._stage = stage
        self._instance = instance
        self._counters: dict[str, Counter[str]] = {}
        self._epochs: dict[str, int] = {}
        self._changed: set[str] = set()

    def count(self, stream_id: str, epoch: int, **added: int) -> None:
        """Add to a stream's counters; what has no stream cannot be counted for one."""
        if not stream_id:
            return
        self._counters.setdefault(stream_id, Counter()).update(added)
        self._epochs[stream_id] = max(epoch, self._epochs.get(stream_id, 0))
        self._changed.add(stream_id)

    def report(self, at_ns: int) -> Iterator[StreamStatus]:
        """A status for each stream that moved since the last report."""
        changed, self._changed = self._changed, set()
        for stream_id in sorted(changed):
            yield StreamStatus(
                stream_id=stream_id,
                epoch=self._epochs[stream_id],
                stage=self._stage,
                instance=self._instance,
                at_ns=at_ns,
                state="running",
                counters=dict(self._counters[stream_id]),
            )

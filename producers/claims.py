"""Two gateways with one stream: which of them is the newer, from the statuses of both. Pure.

All gateways of a stream write their statuses under one key, so into one partition, whose order is the same
for everybody who reads it. A gateway takes an epoch above all that it finds there, writes its first status
with it, and reads on until it meets that status: the claim. If somebody else's status before it has the same
epoch or a higher one, it claims again with a higher one. So of two that start at the same moment, with clocks
that differ or with copies of one state folder, the one whose claim comes later has the higher epoch.
"""

from schemas.streams import StreamStatus


class StreamClaims:
    """What the statuses of one stream say, taken in the order of their partition.

    Args:
        instance: This gateway's name in its own statuses; no other process has it.
    """

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._highest = -1  # epoch of another gateway
        self._before: dict[int, int] = {}  # own epoch -> the highest of others when it was claimed
        self._held = -1
        self.rival: StreamStatus | None = None

    def see(self, status: StreamStatus) -> None:
        """Take in the next status."""
        if status.instance == self._instance:
            self._before.setdefault(status.epoch, self._highest)
            return
        self._highest = max(self._highest, status.epoch)
        if 0 <= self._held <= status.epoch and self._takes_over(status):
            self.rival = self.rival or status

    def newest_epoch(self) -> int:
        """The highest epoch of another gateway so far; -1 if there is none."""
        return self._highest

    def hold(self, epoch: int) -> bool | None:
        """Whether an epoch that was claimed is ours; None while its claim has not come back."""
        before = self._before.get(epoch)
        if before is None:
            return None
        if before >= epoch:
            return False
        self._held = epoch
        return True

    def _takes_over(self, status: StreamStatus) -> bool:
        captured = status.counters.get("captured", 0)
        if status.epoch == self._held:
            # It has read our claim before its own, and claims again; unless it is of those that never do.
            return captured > 0
        # One whose source could not be opened took an epoch and nothing else.
        return status.state == "running" or captured > 0


def sentence(stream_id: str, epoch: int, rival: StreamStatus) -> str:
    """What to tell people whose gateway ends because of another."""
    what = "the same epoch" if rival.epoch == epoch else "a newer epoch"
    return (
        f"Another gateway ({rival.instance}) has started the stream {stream_id} with {what} ({rival.epoch}; "
        f"this one's is {epoch}), so this one's frames would be skipped, and it stops. Give each camera a "
        "stream id of its own, and run each in one gateway."
    )

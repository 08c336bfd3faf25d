"""Messages of an epoch that is over: whether one of them is a repeat, or was never seen. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

MAX_EPOCHS: Final = 8

Older = tuple[tuple[int, int, int], ...]
"""Of the last epochs before a key's newest: the epoch, its highest sequence number, how many were skipped."""


class OlderEpochs:
    """What came of a key's last few epochs before the newest.

    A message of an older epoch is skipped, as a state does not go back. It is a repeat if it, or one behind
    it, was stepped or skipped before. Else somebody still sends with an old epoch, and it is lost.

    Args:
        known: What `packed` gave.
    """

    def __init__(self, known: Iterable[tuple[int, int, int]] = ()) -> None:
        self._epochs = {epoch: (seq, skipped) for epoch, seq, skipped in known}  # the longest silent first

    def leave(self, epoch: int, seq: int) -> None:
        """The key's newest epoch was this one, stepped up to seq; now there is a newer one."""
        self._keep(epoch, seq, self._epochs.get(epoch, (-1, 0))[1])

    def skip(self, epoch: int, seq: int) -> bool:
        """A message of an older epoch is skipped; returns whether it is the first time that it is seen."""
        highest, skipped = self._epochs.get(epoch, (-1, 0))
        if seq <= highest:
            return False
        self._keep(epoch, seq, skipped + 1)
        return True

    def skipped(self) -> Mapping[int, int]:
        """How many messages were skipped that were not repeats, by epoch; only where there are some."""
        return {epoch: skipped for epoch, (_, skipped) in self._epochs.items() if skipped}

    def packed(self) -> Older:
        """All of it, as plain numbers."""
        return tuple((epoch, seq, skipped) for epoch, (seq, skipped) in self._epochs.items())

    def _keep(self, epoch: int, seq: int, skipped: int) -> None:
        self._epochs.pop(epoch, None)
        self._epochs[epoch] = (seq, skipped)
        while len(self._epochs) > MAX_EPOCHS:
            del self._epochs[next(iter(self._epochs))]

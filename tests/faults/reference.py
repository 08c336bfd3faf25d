"""What an undisturbed run writes, and whether a disturbed one wrote the same."""

from collections import Counter
from collections.abc import Sequence

from tests.faults.plant import Plant
from tests.faults.sender import ALL_STREAMS, Sender
from tests.faults.verifier import COLUMNS, TRACKS, Difference, Log, Rows, compare

PREFIX = "undisturbed"


class Reference:
    """Runs the recording through a plant once, as far as tests need it, before they disturb the plant."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._last = 0
        self._rows: Rows = {}
        self._logs: dict[str, Log] = {}

    def reach(self, last: int) -> None:
        """See to it that frames before `last`, a multiple of 20, are known; the plant must be whole."""
        assert last % 20 == 0, "the recording changes the order of frames within each 20"
        if last <= self._last:
            return
        plant = self._plant
        sender = plant.send(PREFIX, ALL_STREAMS, last, first=self._last, frames_per_s=0)
        plant.until(lambda: sender.done, "the undisturbed load to be sent")
        verifier = plant.verifier
        # In each 20 frames of d5 one comes after the next and is left out.
        wanted = {stream: last - (last // 20 if stream == "d5" else 0) for stream in ALL_STREAMS}
        plant.until_written(PREFIX, wanted)
        self._rows = verifier.rows(PREFIX)
        self._logs = verifier.log(TRACKS, PREFIX)
        self._last = last
        doubles = [row for table in self._rows.values() for rows in table.values() for row in rows.values()]
        assert set(doubles) == {1}, "the undisturbed run itself has rows twice"

    def rows(self, streams: Sequence[str], last: int) -> Rows:
        """The rows of frames before `last` (the second column is the frame's number)."""
        assert last <= self._last, "reach it before the plant is disturbed"
        return {
            table: {
                stream: Counter({row: n for row, n in rows.items() if int(row[1]) < last})
                for stream, rows in self._rows[table].items()
                if stream in streams
            }
            for table in COLUMNS
        }

    def frames(self, streams: Sequence[str], last: int) -> dict[str, int]:
        """How many rows of `frames` each stream has."""
        return {s: sum(rows.values()) for s, rows in self.rows(streams, last)["frames"].items()}

    def difference(self, plant: Plant, prefix: str, streams: Sequence[str], last: int) -> Difference:
        """How the tables of a plant differ for the streams `PREFIX-STREAM`."""
        return compare(plant.verifier.rows(prefix, last), self.rows(streams, last))

    def finish(self, plant: Plant, sender: Sender) -> int:
        """Stop a load wherever it is, and check what it was until then; returns the repeats in the log."""
        sender.stop()
        plant.until(lambda: sender.done, "the load to be sent")
        sender.check()
        last = sender.position // 20 * 20
        self.reach(last)
        return self.check(plant, sender.prefix, sender.streams, last)

    def check(self, plant: Plant, prefix: str, streams: Sequence[str], last: int) -> int:
        """Wait until a plant has written all, and compare tables and log; returns the repeats in the log."""
        plant.until_written(prefix, self.frames(streams, last))
        difference = self.difference(plant, prefix, streams, last)
        assert not difference, "\n".join([str(difference), *difference.examples, plant.last_words(40)])
        repeats = 0
        for stream, log in plant.verifier.log(TRACKS, prefix).items():
            want = [frame for frame in self._logs[stream].frames if frame[1] < last]
            have = [frame for frame in log.frames if frame[1] < last]
            assert have == want, f"the log of {prefix}-{stream} is another one"
            assert len(log.partitions) == 1, f"{prefix}-{stream} is in partitions {log.partitions}"
            repeats += log.repeats
        return repeats

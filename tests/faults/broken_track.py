"""A track worker that is broken on purpose: it says that frames are done before their snapshots are stored.

`broken_track.py NUMBER` dies between the two the NUMBERth time that it stores a snapshot.
"""

import os
import signal
import sys
from dataclasses import replace
from typing import Any

from processors.track.stage import TrackStage
from sightline.kafka_clients import TRACK_GROUP
from sightline.settings_sources import load
from sightline.stateful import DriverConfig, run_stage
from sightline.stateful.book import Outgoing
from sightline.stateful.facts import Mark, Snapshot
from sightline.stateful.lane import Lane
from sightline.stateful.lanes import Lanes


class HastyLane(Lane[Any, Any]):
    """Writes the mark, which claims more than is stored, and then the snapshots."""

    async def _collect(self) -> tuple[list[tuple[bytes, Snapshot]], Mark]:
        snapshots, mark = await super()._collect()
        return snapshots, replace(mark, needs={})

    async def _write(self, records: list[Outgoing]) -> int:
        *snapshots, mark = records
        await super()._write([mark])
        self._probe("between")
        return await super()._write(snapshots)


class HastyLanes(Lanes[Any, Any]):
    """Lanes in a hurry."""

    lane_type = HastyLane


def main() -> None:
    settings = load(os.environ).settings
    left = int(sys.argv[1])

    def probe(where: str) -> None:
        nonlocal left
        left -= where == "between"
        if where == "between" and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    config = DriverConfig(
        bootstrap=str(settings.kafka.bootstrap),
        group=TRACK_GROUP,
        session_timeout_s=settings.kafka.session_timeout_s,
        instance_id=settings.track.instance_id,
    )
    run_stage(TrackStage(lambda: 0), config, probe=probe, lanes_type=HastyLanes)


if __name__ == "__main__":
    main()

"""A track worker that is broken on purpose: it says that frames are done before their snapshots are stored.

`broken_track.py NUMBER` dies between the two as soon as a mark claims NUMBER records of a partition, or more,
that no stored snapshot has. So their effect on the state is lost, however fast or slow the machine is.
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

    async def _store_snapshot(self, snapshots: list[tuple[bytes, Snapshot]], mark: Mark) -> None:
        self._claimed = mark.offset - self._marked
        await super()._store_snapshot(snapshots, mark)

    async def _write(self, records: list[Outgoing]) -> int:
        *snapshots, mark = records
        await super()._write([mark])
        self._probe(f"between {self._claimed}")
        return await super()._write(snapshots)


class HastyLanes(Lanes[Any, Any]):
    """Lanes in a hurry."""

    lane_type = HastyLane


def main() -> None:
    settings = load(os.environ).settings
    enough = int(sys.argv[1])

    def probe(where: str) -> None:
        place, _, claimed = where.partition(" ")
        if place == "between" and int(claimed) >= enough:
            os.kill(os.getpid(), signal.SIGKILL)

    config = DriverConfig(
        bootstrap=str(settings.kafka.bootstrap),
        group=TRACK_GROUP,
        snapshot_interval_s=3.0,  # long enough for objects to come in the meantime
        session_timeout_s=settings.kafka.session_timeout_s,
        instance_id=settings.track.instance_id,
    )
    run_stage(TrackStage(lambda: 0), config, probe=probe, lanes_type=HastyLanes)


if __name__ == "__main__":
    main()

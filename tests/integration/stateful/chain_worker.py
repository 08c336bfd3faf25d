"""A worker process for the tests: `chain_worker.py JSON`, with the kill points that the JSON names."""

import json
import logging
import os
import signal
import sys
from dataclasses import replace
from typing import Any

from chain_stage import Chain, ChainStage, Link

from sightline.stateful import DriverConfig, run_stage
from sightline.stateful.book import Outgoing
from sightline.stateful.facts import Mark, Snapshot
from sightline.stateful.lane import Lane
from sightline.stateful.lanes import Lanes


class AckFirstLane(Lane[Chain, Link]):
    """Broken on purpose: says that records are done before their snapshots are stored."""

    async def _collect(self) -> tuple[list[tuple[bytes, Snapshot]], Mark]:
        snapshots, mark = await super()._collect()
        return snapshots, replace(mark, needs={})

    async def _write(self, records: list[Outgoing]) -> int:
        *snapshots, mark = records
        await super()._write([mark])
        self._probe("between")
        return await super()._write(snapshots)


class AckFirstLanes(Lanes[Chain, Link]):
    lane_type = AckFirstLane


def main(options: dict[str, Any]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    kill_at = str(options.pop("kill_at", ""))
    number = signal.SIGSTOP if options.pop("only_stop", False) else signal.SIGKILL
    left = int(str(options.pop("kill_after", 1)))

    def probe(where: str) -> None:
        nonlocal left
        if where == kill_at:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)

    fail_at = int(str(options.pop("fail_at", -1)))
    stage = ChainStage(str(options.pop("input")), str(options.pop("output")), fail_at=fail_at)
    lanes = AckFirstLanes if options.pop("ack_first", False) else Lanes
    run_stage(stage, DriverConfig(**options), probe=probe, lanes_type=lanes)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

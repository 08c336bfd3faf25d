"""A worker process for the tests: `chain_worker.py JSON`, with the kill points that the JSON names."""

import json
import logging
import os
import signal
import sys
from typing import Any

from chain_stage import ChainStage

from sightline.stateful import DriverConfig, run_stage
from sightline.stateful.lanes import Lanes
from tests.faults.broken_track import HastyLanes


def main(options: dict[str, Any]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    kill_at = str(options.pop("kill_at", ""))
    number = signal.SIGSTOP if options.pop("only_stop", False) else signal.SIGKILL
    left = int(str(options.pop("kill_after", 1)))

    def probe(where: str) -> None:
        nonlocal left
        if where.partition(" ")[0] == kill_at:  # what follows the place is a figure
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)

    fail_at = int(str(options.pop("fail_at", -1)))
    stage = ChainStage(str(options.pop("input")), str(options.pop("output")), fail_at=fail_at)
    lanes = HastyLanes if options.pop("ack_first", False) else Lanes
    run_stage(stage, DriverConfig(**options), probe=probe, lanes_type=lanes)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

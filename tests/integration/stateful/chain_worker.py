"""A worker process for the tests: `chain_worker.py JSON`, with the kill points that the JSON names."""

import json
import logging
import os
import signal
import sys

from chain_stage import ChainStage
from sightline.stateful import DriverConfig, run_stage


def main(options: dict[str, object]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    kill_at = str(options.pop("kill_at", ""))
    left = int(str(options.pop("kill_after", 1)))

    def probe(where: str) -> None:
        nonlocal left
        if where == kill_at:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    stage = ChainStage(str(options.pop("input")), str(options.pop("output")))
    run_stage(stage, DriverConfig(**options), probe=probe)  # type: ignore[arg-type]  # from JSON


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

"""A writer as a process of its own: `python writer_child.py SETTINGS DATA_DIR [STEP NUMBER]`.

With STEP and NUMBER it kills itself, as `kill -9` would, when it takes that step for the NUMBERth time. It
prints its port when it is ready, and an error as the command line would.
"""

import logging
import os
import signal
import sys
from collections import Counter
from pathlib import Path

from consumers.writer.service import run_writer
from sightline.errors import SightlineError
from sightline.settings import Settings


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    settings = Settings.model_validate_json(sys.argv[1])
    fatal = (sys.argv[3], int(sys.argv[4])) if len(sys.argv) > 3 else None
    seen: Counter[str] = Counter()

    def probe(step: str) -> None:
        seen[step] += 1
        if fatal == (step, seen[step]):
            os.kill(os.getpid(), signal.SIGKILL)

    def announce(port: int) -> None:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()

    try:
        run_writer(settings, data_dir=Path(sys.argv[2]), ready=announce, probe=probe)
    except SightlineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

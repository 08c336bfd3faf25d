"""The load generator as a process: `python -m producers.bench.load STREAMS FRAMES_PER_S SECONDS`."""

import json
import os
import sys

from producers.replay import run_replay
from sightline.settings_sources import load


def main(arguments: list[str]) -> None:
    """Publish, then print the counts as JSON."""
    streams, frames_per_s, seconds = arguments
    settings = load(os.environ).settings
    counts = run_replay(
        settings, streams=int(streams), frames_per_s=float(frames_per_s), seconds=float(seconds)
    )
    sys.stdout.write(json.dumps(counts) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

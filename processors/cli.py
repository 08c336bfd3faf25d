"""The commands `sightline infer`, `sightline track` and `sightline bench tracker`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.context import log_to_stderr, settings_from


def infer(ctx: typer.Context) -> None:
    """Run one infer worker: frames from Kafka through Triton to detections.

    Workers share the streams; start more of them, on any machine, to go faster.
    """
    from processors.infer.stage import run_infer

    settings = settings_from(ctx)
    log_to_stderr(settings)
    run_infer(settings)


def track(ctx: typer.Context) -> None:
    """Run one track worker: detections from Kafka to tracks and classifications.

    Workers share the streams; start more of them, on any machine, to go faster.
    """
    from processors.track.worker import run_track

    settings = settings_from(ctx)
    log_to_stderr(settings)
    run_track(settings)


def bench_tracker(
    data: Annotated[Path, typer.Option(help="Folder with a MOTChallenge sequence in each folder.")],
    peers: Annotated[bool, typer.Option(help="Run the peer trackers too; they need `make peers`.")] = True,
) -> None:
    """Compare the tracker with its peers on the same detections, and print JSON."""
    from processors.track.bench import bench_tracker as measure

    typer.echo(json.dumps(measure(data, peers), indent=2))

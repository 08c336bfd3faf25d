"""The commands `sightline infer` and `sightline track`."""

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

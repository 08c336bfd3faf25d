"""The commands `sightline infer` and `sightline track`, and the benches `analyzer`, `tracker` and `track`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sightline.cli.context import log_to_stderr, settings_from
from sightline.errors import SightlineError


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


def bench_analyzer(
    ctx: typer.Context,
    video: Annotated[
        Path | None, typer.Option(help="Video with the frames; default: a drawn one.", show_default=False)
    ] = None,
    batches: Annotated[str, typer.Option(help="Frames of a request, comma separated.")] = "1,2,4,8,16,32",
    clients: Annotated[str, typer.Option(help="Requests in flight, comma separated.")] = "1,2,4,8,16",
    seconds: Annotated[float, typer.Option(help="Length of each measurement.", min=0.1)] = 2.0,
    output: Annotated[Path | None, typer.Option(help="Write the JSON here too.", show_default=False)] = None,
) -> None:
    """Frames/s through Triton's analyzer against the same work in a plain loop, in one run, as JSON.

    How both run is set by model.threads, model.instances, triton.networks and triton.queue_delay_ms.
    """
    from processors.infer.bench import AnalyzerBench
    from processors.infer.bench import bench_analyzer as measure
    from processors.infer.bench_frames import bench_frames
    from processors.infer.bench_table import print_table

    settings, console = settings_from(ctx), Console(stderr=True)
    bench = AnalyzerBench(_numbers(batches, 32), _numbers(clients, 256), seconds)
    result = measure(settings, bench_frames(video), bench, console.print)
    print_table(console, result)
    text = json.dumps(result, indent=2)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")
    typer.echo(text)


def _numbers(text: str, most: int) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(1 <= number <= most for number in numbers):
        raise SightlineError(
            f"{text!r} is not a list of numbers from 1 to {most}.", "Give for example 1,8,32."
        )
    return numbers


def bench_tracker(
    data: Annotated[Path, typer.Option(help="Folder with a MOTChallenge sequence in each folder.")],
    peers: Annotated[bool, typer.Option(help="Run the peer trackers too; they need `make peers`.")] = True,
    runs: Annotated[int, typer.Option(help="Run all so often; of the times the least counts.", min=1)] = 3,
) -> None:
    """Compare the tracker with its peers on the same detections, and print JSON."""
    from processors.track.bench import bench_tracker as measure

    typer.echo(json.dumps(measure(data, peers, runs=runs), indent=2))


def bench_track(
    ctx: typer.Context,
    streams: Annotated[int, typer.Option(help="Streams.", min=1, max=10_000)] = 100,
    seconds: Annotated[float, typer.Option(help="Length of each stream, at 30 frames/s.", min=1)] = 10,
    objects: Annotated[int, typer.Option(help="Objects in a stream's picture.", min=0, max=500)] = 6,
    embedding: Annotated[int, typer.Option(help="Width of the detections' looks; 0: none.", min=0)] = 0,
) -> None:
    """Measure how many stored frames a second one and two track workers do, and print JSON.

    Each worker has one processor to itself, but for the broker and what else runs on this machine.
    """
    from processors.track.throughput import Load
    from processors.track.throughput import bench_track as measure

    load = Load(streams=streams, frames=int(seconds * 30), objects=objects, embedding=embedding)
    typer.echo(json.dumps(measure(settings_from(ctx), load), indent=2))

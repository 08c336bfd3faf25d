"""The command `sightline bench pipeline`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.context import settings_from
from sightline.settings import Head


def pipeline(
    ctx: typer.Context,
    video: Annotated[
        Path | None, typer.Option(help="Video for the frames way; default: a drawn one.", show_default=False)
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Detector, an ONNX file; default: one as costly as a nano YOLO.", show_default=False
        ),
    ] = None,
    head: Annotated[
        Head | None, typer.Option(help="Layout of the model's output.", show_default=False)
    ] = None,
    streams: Annotated[int, typer.Option(help="Streams of the detections way.", min=1)] = 100,
    rate: Annotated[float, typer.Option(help="Frames/s of the detections way, all streams.", min=1)] = 1050,
    seconds: Annotated[float, typer.Option(help="Length of the detections way.", min=5)] = 30,
    output: Annotated[Path | None, typer.Option(help="Write the JSON here too.", show_default=False)] = None,
) -> None:
    """Measure the whole pipeline on this machine, both ways in, and print JSON.

    frames: end-to-end frames/s against a plain ONNX Runtime loop over the same video in the same run.
    detections: many streams of small messages, the delay from capture to track and to row.
    """
    from producers.bench.detections_way import measure_detections
    from producers.bench.frames_way import measure_frames

    settings = settings_from(ctx, {"model.path": model, "model.head": head})
    result = {
        "frames": measure_frames(settings, video),
        "detections": measure_detections(settings, streams=streams, rate_fps=rate, seconds=seconds),
    }
    text = json.dumps(result, indent=2)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")
    typer.echo(text)

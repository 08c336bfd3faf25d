"""The commands `sightline cameras render` and `sheet`, and `sightline bench cameras`."""

import json
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer

cameras = typer.Typer(no_args_is_help=True, help="Synthetic cameras: render scenes and their truth.")

Size = Annotated[str, typer.Option(help="WIDTHxHEIGHT of the picture in pixels.")]


@cameras.command()
def render(
    output: Annotated[Path, typer.Argument(help="The video, .mp4 or .avi; its truth goes beside it.")],
    scene: Annotated[str, typer.Option(help="junction, footpath or dock.")] = "junction",
    seed: Annotated[int, typer.Option(help="Everything that is drawn by lot follows from it.")] = 0,
    seconds: Annotated[float, typer.Option(help="Length of the video.", min=0.01)] = 10.0,
    fps: Annotated[float, typer.Option(help="Frames a second.")] = 30.0,
    size: Size = "640x360",
    density: Annotated[float, typer.Option(help="How much traffic; 1 is usual.")] = 1.0,
    light: Annotated[str, typer.Option(help="day, dusk, night or auto: by the seed.")] = "auto",
    weather: Annotated[str, typer.Option(help="clear, rain or auto: by the seed.")] = "auto",
    truth_only: Annotated[bool, typer.Option("--truth-only", help="Write no video.")] = False,
) -> None:
    """Write a scene as a video, and the exact truth about it in a folder with the video's name."""
    from producers.cameras.rendering import render_scene
    from producers.synthetic.options import parse_world

    values = {"seed": seed, "seconds": seconds, "fps": fps, "size": size, "density": density}
    query = urlencode({**values, "light": light, "weather": weather})
    settings, _, _ = parse_world(f"synthetic:{scene}?{query}", scene, query)
    for line in render_scene(settings, output, video=not truth_only):
        typer.echo(line)


@cameras.command()
def sheet(
    output: Annotated[Path, typer.Argument(help="The picture, .png or .jpg.")],
    seed: Annotated[int, typer.Option(help="The first scene's seed.", min=0)] = 1,
) -> None:
    """Write a contact sheet of all scenes in every light and weather."""
    from producers.cameras.rendering import contact_sheet

    contact_sheet(output, seed)
    typer.echo(f"wrote {output}")


def bench_cameras(
    seconds: Annotated[float, typer.Option(help="How long each scene is drawn.", min=0.5)] = 5.0,
) -> None:
    """Measure the synthetic cameras on one core, drawn afresh and from a loop, and print JSON."""
    from producers.cameras.bench import measure_cameras

    typer.echo(json.dumps(measure_cameras(seconds), indent=2))

"""`sightline demo`, `run`, `up`, `down` and `status`: the whole system on one machine."""

import os
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from sightline.cli.context import output_console, settings_from
from sightline.errors import SightlineError
from sightline.pipeline.cameras import Camera, cameras_of_settings, cameras_of_sources
from sightline.pipeline.plan import GATEWAY_STATE
from sightline.settings import Head, Mode, Settings

# What needs more than the settings is imported where it is used: the stages start through this file too,
# and none of them should load what only the others need.

if TYPE_CHECKING:
    from sightline.pipeline.runs import RunPlan

DEMO_FPS: Final = 8
DEMO_DENSITY: Final = 0.6  # two cores draw, infer and store it live, without dropping frames
DEMO_CAMERAS: Final = ("junction", "footpath", "dock", "junction?light=night&weather=rain")
FIRST_UNSEEN_SEED: Final = 100_000  # the shipped models were trained on scenes of lower seeds only
SAMPLE_SQL: Final = "SELECT label, uniqExact(stream_id, track_id) AS objects FROM tracks GROUP BY label"

Data = Annotated[
    Path | None, typer.Option(help="Data folder; default: the setting data.dir.", show_default=False)
]
ReportFile = Annotated[
    Path | None, typer.Option(help="Write what came of it to this file, as JSON.", show_default=False)
]
Model = Annotated[
    Path | None,
    typer.Option(
        help="Detector, an ONNX file or a model folder; default: the shipped one.", show_default=False
    ),
]
HeadOption = Annotated[Head | None, typer.Option(help="Layout of the model's output.", show_default=False)]
Labels = Annotated[
    str | None, typer.Option(help='Class names: a file with one a line, or "coco".', show_default=False)
]
ModeOption = Annotated[
    Mode | None,
    typer.Option(help="frames: the server detects. detections: the gateway does.", show_default=False),
]


def demo(
    ctx: typer.Context,
    seconds: Annotated[float, typer.Option(help="How long the cameras run.", min=1)] = 30.0,
    cameras: Annotated[int, typer.Option(help="How many cameras.", min=1, max=64)] = 4,
    seed: Annotated[int, typer.Option(help="What the cameras see.", min=0)] = 1,
    data: Annotated[
        Path | None,
        typer.Option(help="Keep everything in this folder; default: nothing is kept.", show_default=False),
    ] = None,
    report: ReportFile = None,
) -> int:
    """Show the whole system at work on synthetic cameras, and compare its answers with the truth.

    Starts Kafka, Triton, ClickHouse's engine, cameras and all stages; checks that no frame is lost, and ends
    with a summary.
    """
    settings = settings_from(ctx, {"gateway.truth": True})
    # The last one detects for itself, so that both ways in are seen.
    modes: list[Mode] = ["frames" for _ in range(cameras)]
    if cameras > 1:
        modes[-1] = "detections"
    sources = [
        Camera(f"camera-{number + 1}", _demo_source(number, seed, seconds), mode)
        for number, mode in enumerate(modes)
    ]
    from sightline.pipeline.runs import RunPlan

    plan = RunPlan(sources, None, report, "Demo")
    console = output_console()
    if data is not None:
        return _run(settings, data, plan, console)
    folder = Path(tempfile.mkdtemp(prefix="sightline-demo-"))
    code = _run(settings, folder, plan, console, hint=False)
    if code == 0:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        console.print(f"Logs and data are kept in {folder}.", highlight=False, soft_wrap=True)
    return code


def _demo_source(number: int, seed: int, seconds: float) -> str:
    scene = DEMO_CAMERAS[number % len(DEMO_CAMERAS)]
    options = (
        f"seed={FIRST_UNSEEN_SEED + 64 * seed + number}&fps={DEMO_FPS}"
        f"&density={DEMO_DENSITY}&seconds={seconds:g}"
    )
    return f"synthetic:{scene}{'&' if '?' in scene else '?'}{options}"


def run(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None, typer.Argument(help="Video files, or rtsp:// and http:// addresses.")
    ] = None,
    stream: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SOURCE",
            help="A source with the id of its stream; may be repeated.",
            show_default=False,
        ),
    ] = None,
    model: Model = None,
    head: HeadOption = None,
    labels: Labels = None,
    data: Data = None,
    mode: ModeOption = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Read files at their own rate, as cameras.")
    ] = False,
    report: ReportFile = None,
) -> int:
    """Run videos or cameras through the whole system until they end, and keep the tables.

    A file is read without dropping a frame, as fast as the system takes it, unless --realtime.
    """
    settings = settings_from(
        ctx,
        {
            "model.path": model,
            "model.head": head,
            "model.labels": labels,
            "gateway.mode": mode,
            "data.dir": data,
        },
    )
    if not sources and not stream:
        raise typer.BadParameter("Name a video or a camera, or both with its stream: --stream NAME=SOURCE.")
    cameras = cameras_of_sources(
        sources or [],
        settings.gateway.mode,
        realtime=realtime,
        named=stream or [],
        state_dir=settings.data.dir / GATEWAY_STATE,
    )
    from sightline.pipeline.runs import RunPlan

    console = output_console()
    for note in filter(None, (camera.note for camera in cameras)):
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    plan = RunPlan(cameras, None, report, "Run")
    return _run(settings, settings.data.dir, plan, console)


def up(
    ctx: typer.Context,
    data: Data = None,
    detach_: Annotated[bool, typer.Option("--detach", "-d", help="Return once everything runs.")] = False,
) -> int:
    """Start the system and leave it running, with the cameras that the settings file names.

    Stays in the foreground until Ctrl-C, or in the background with --detach (then `sightline down` stops it).
    """
    from sightline.pipeline.standing import detach, stand
    from sightline.stack.datadir import DataDir

    settings = settings_from(ctx, {"data.dir": data})
    _demand_machine(settings, settings.data.dir, triton=True)
    console = output_console()
    if detach_:
        detach(settings, console)
        return 0
    with DataDir(settings.data.dir) as folder:
        stand(settings, folder, cameras_of_settings(settings), console)
    return 0


def down(ctx: typer.Context, data: Data = None) -> None:
    """Stop the system that runs in a data folder, in good order."""
    from sightline.pipeline.standing import stop_standing

    folder = settings_from(ctx, {"data.dir": data}).data.dir
    stop_standing(folder)
    typer.echo(f"Nothing runs in {folder} any more.")


def status(
    ctx: typer.Context,
    data: Data = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> int:
    """Say what runs in a data folder: servers and stages, where they answer, and each stream's flow."""
    from sightline.cli.status import print_status, status_json
    from sightline.stack.datadir import read_stack

    settings = settings_from(ctx, {"data.dir": data})
    state = read_stack(settings.data.dir)
    if json_:
        typer.echo(status_json(state))
        return 0
    if state is None:
        raise SightlineError(f"Nothing runs in {settings.data.dir}.", "Start it with `sightline up`.")
    print_status(output_console(), settings, state)
    return 0


def _run(settings: Settings, folder: Path, plan: "RunPlan", console: Console, *, hint: bool = True) -> int:
    from sightline.pipeline.runs import execute
    from sightline.stack.datadir import DataDir

    _demand_machine(settings, folder, triton=any(camera.mode == "frames" for camera in plan.cameras))
    with DataDir(folder) as data:
        report = execute(settings, data, plan, console)
    if hint:
        name = escape(str(folder))
        console.print(f"\nEverything is kept in {name}. Ask it with:", highlight=False, soft_wrap=True)
        console.print(
            f'  sightline query "{SAMPLE_SQL}" --data {escape(shlex.quote(str(folder)))}',
            highlight=False,
            soft_wrap=True,
        )
    return 0 if report.ok else 1


def _demand_machine(settings: Settings, folder: Path, *, triton: bool) -> None:
    """Say all that this machine lacks at once, before anything is made, downloaded or started."""
    from sightline.stack.checks import examine_machine
    from sightline.stack.demand import demand

    data = settings.data.model_copy(update={"dir": folder})
    demand(examine_machine(settings.model_copy(update={"data": data}), os.environ, triton=triton))

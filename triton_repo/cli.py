"""The commands `sightline models …`: bring a detector, make it fast on a device, serve it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from sightline.cli.context import output_console, settings_from
from sightline.errors import SightlineError
from sightline.settings import Head

# What does the work is imported where it is used: every `sightline` command reads this file.

if TYPE_CHECKING:
    from sightline.vision.heads import InputSize
    from triton_repo.add import Added
    from triton_repo.build import Built

models = typer.Typer(no_args_is_help=True, help="Networks: bring your own, build, measure.")


@models.callback()
def _models() -> None:
    """Networks: bring your own, build, measure."""


@models.command()
def add(
    path: Annotated[Path, typer.Argument(help="The detector, an ONNX file.", show_default=False)],
    head: Annotated[
        Head | None,
        typer.Option(
            help="Layout of the model's output; default: what its exporter wrote.", show_default=False
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            help='Class names: a file with one a line, "coco" or "coco-91"; default: those in the file.',
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The model's name; default: the file's.", show_default=False)
    ] = None,
    to: Annotated[Path, typer.Option(help="Folder of your models; made if missing.")] = Path("models"),
    input_size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Input size in pixels of a model with dynamic axes.", show_default=False
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="Output that holds the detections, if there are several.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over a model of this name.")] = False,
) -> None:
    """Check an ONNX detector against its head on a few pictures, and write a folder that is ready to use."""
    from sightline.vision.heads import Head as VisionHead
    from triton_repo.add import Request, add_model

    size = _size(input_size) if input_size else None
    layout = VisionHead(head) if head else None
    _print_added(add_model(Request(path, layout, to, name, labels, size, output, replace=replace)))


@models.command()
def get(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Which one; default: list them.", show_default=False)
    ] = None,
    to: Annotated[Path, typer.Option(help="Folder of your models; made if missing.")] = Path("models"),
    mirror: Annotated[
        str | None,
        typer.Option(
            help="Address of the file, or of a folder with it, in place of its makers'; default: the setting "
            "model.mirror.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="The file, downloaded elsewhere, in place of an address.", show_default=False),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over a model of this name.")] = False,
) -> None:
    """Fetch a detector that its makers trained on real pictures, and check it; or list those there are.

    A download that breaks goes on where it stopped. A file whose SHA-256 is another is refused and not kept.
    """
    from triton_repo.get import Fetch, get_model, model_named
    from triton_repo.get_report import catalogue_table, download_progress

    console = output_console()
    if name is None:
        console.print(catalogue_table(), highlight=False)
        console.print("\nGet one with:  sightline models get NAME", highlight=False, soft_wrap=True)
        return
    if mirror and file:
        raise SightlineError("--mirror and --file exclude each other.", "Give one of them.")
    model = model_named(name)
    mirror = mirror or settings_from(ctx).model.mirror
    with download_progress(model.name, model.bytes) as progress:
        added = get_model(Fetch(model, to, mirror, file, replace=replace), progress)
    _print_added(added)
    console.print(f"\n{model.about}; licence {model.licence}.", highlight=False, soft_wrap=True, markup=False)


@models.command()
def repository(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The model repository; made if missing.")],
) -> None:
    """Write a model repository for a Triton of your own: the analyzer, its networks, and their code.

    What is in it is set by model.* and triton.networks: with onnxruntime or tensorrt the networks are models
    of their own, for a GPU; in-process they run in the analyzer.
    """
    from sightline.pipeline.models import serving_of
    from sightline.vision.repository import models_in, write_repository

    written = write_repository(folder, serving_of(settings_from(ctx)))
    loads = " ".join(f"--load-model={name}" for name in models_in(written))
    console = output_console()
    for line in (
        f"Wrote {written}. Serve it with:\n",
        f"  tritonserver --model-repository={written} --model-control-mode=explicit {loads}",
        "\nIts Python needs NumPy below 2, OpenCV and ONNX Runtime; a container needs --shm-size=1g.",
    ):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


@models.command(name="eval")
def evaluate_models(
    seed: Annotated[
        int, typer.Option(help="The first scene's seed; below 100000 are those trained on.")
    ] = 100_000,
    scenes: Annotated[
        int, typer.Option(min=1, help="How many scenes, of all kinds, lights and weathers.")
    ] = 36,
    shots: Annotated[int, typer.Option(min=1, help="Pictures of each scene.")] = 8,
    detector: Annotated[
        Path | None, typer.Option(help="Another detector's folder; default: the one that ships.")
    ] = None,
    appearance: Annotated[
        Path | None, typer.Option(help="Another appearance network's folder; default: the one that ships.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the detector and the appearance network on synthetic scenes that they have never seen."""
    from triton_repo.evaluation.report import report_lines, report_table, report_text
    from triton_repo.evaluation.run import APPEARANCE, DETECTOR, evaluate

    report = evaluate(seed, scenes, shots, detector or DETECTOR, appearance or APPEARANCE)
    if as_json:
        typer.echo(report_text(report))
    else:
        console = output_console()
        console.print(report_table(report), highlight=False)
        console.print(report_lines(report), highlight=False, soft_wrap=True)


@models.command()
def build(
    folder: Annotated[
        Path | None,
        typer.Argument(help="The folder of a detector or an appearance network.", show_default=False),
    ] = None,
    model: Annotated[
        Literal["detector", "appearance"] | None,
        typer.Option(help="One that ships, in place of a folder; default: the detector.", show_default=False),
    ] = None,
    target: Annotated[
        Literal["tensorrt", "onnx"],
        typer.Option(help="tensorrt: an engine for this machine's GPU. onnx: a smaller ONNX file."),
    ] = "tensorrt",
    fp16: Annotated[bool, typer.Option("--fp16", help="Half precision.")] = False,
    int8: Annotated[bool, typer.Option("--int8", help="Whole numbers of 8 bits.")] = False,
    max_batch: Annotated[int, typer.Option(help="Largest batch of an engine.", min=1, max=256)] = 32,
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="Folder of pictures to calibrate and measure with. For a detector: labelled as for YOLO, or "
            "not. For an appearance network: single objects, in ATTRIBUTE/OBJECT/. Default: the synthetic "
            "cameras, for a network of their classes or attributes.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Keep it however bad it is.")] = False,
) -> None:
    """Convert a network for where it will run; kept only with 90% of its original's accuracy.

    A detector is measured by its mean average precision, an appearance network by the attributes and
    the pairs of views that it has right.
    """
    from triton_repo.build import BuildRequest
    from triton_repo.build import build as build_model
    from triton_repo.evaluation.run import SHIPPED

    if fp16 and int8:
        raise SightlineError(
            "--fp16 and --int8 exclude each other.", "Give one of them, or none for float32."
        )
    if folder and model:
        raise SightlineError("--model and a folder exclude each other.", "Give one of them.")
    precision: Literal["fp32", "fp16", "int8"] = "int8" if int8 else "fp16" if fp16 else "fp32"
    name = model or "detector"
    # One that ships lies among the code; what is made of it goes to the user's models.
    to = None if folder else Path("models", f"{name}-{precision}")
    request = BuildRequest(folder or SHIPPED / name, target, precision, calibration, max_batch, force, to)
    _print_built(request.target, build_model(request))


def _print_built(target: str, built: "Built") -> None:
    from triton_repo.gate import WORDS

    accuracy = built.accuracy
    against = "labels" if accuracy.truth == "labels" else "what the original finds"
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("size", f"{built.megabytes:.1f} MB, built in {built.build_s:.0f} s")
    for measure in accuracy.measures:
        table.add_row(
            WORDS[measure.name], f"{measure.converted:.3f} of the original's {measure.original:.3f}"
        )
    table.add_row("kept", f"{accuracy.kept:.1%} on {accuracy.pictures} pictures, against {against}")
    if accuracy.forced:
        table.add_row("forced", "it lost too much and was kept all the same")
    console = output_console()
    console.print(table, highlight=False)
    console.print(f"\nWrote {built.path}. Use it with:", highlight=False, soft_wrap=True, markup=False)
    folder = built.path if target == "onnx" else built.path.parent.parent
    words = ["sightline"]
    if target == "tensorrt":
        words.append("--set model.backend=tensorrt")
    if built.kind == "appearance":
        words.append(f"--set model.appearance={folder}")
    words.append("run VIDEO")
    if built.kind == "detector":
        words.append(f"--model {folder}")
    console.print(f"  {' '.join(words)}", highlight=False, soft_wrap=True, markup=False)


def _size(text: str) -> "InputSize":
    from sightline.vision.heads import InputSize

    match = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text)
    if match is None or not all(1 <= int(side) <= 16_384 for side in match.groups()):
        raise SightlineError(
            f"--input-size {text} is not a size.", "Give width and height in pixels, as 640x384."
        )
    return InputSize(int(match[1]), int(match[2]))


def _print_added(added: "Added") -> None:
    from sightline.vision.describe import TRIAL_PICTURES

    spec = added.spec
    feed = spec.preprocessing
    batch = "any batch size" if spec.batch is None else f"batches of {spec.batch}"
    names = ", ".join(spec.labels[:5]) + (", …" if len(spec.labels) > 5 else "")
    levels = "0..255" if feed.scale == 1 else f"0..{255 * feed.scale:.3g}"
    levels += " less mean, by deviation" if any(feed.mean) else ""
    fitted = (
        "stretched" if feed.position == "stretch" else f"letterboxed ({feed.position}) with {feed.pad_value}"
    )
    table = Table(box=None, show_header=False, pad_edge=False)
    form = "" if spec.box_units == "pixels" else ", boxes in shares of the picture"
    form += "" if spec.scores == "probabilities" else ", scores as logits"
    ordered = ", its inputs and outputs put in order" if added.rewritten else ""
    table.add_row("head", f"{spec.head.value}{form}{ordered}")
    table.add_row(
        "input", f"{spec.input_name}: {spec.width}x{spec.height}, {spec.layout}, {spec.dtype}, {batch}"
    )
    table.add_row("pictures", f"{feed.colour}, {levels}, {fitted}")
    table.add_row("output", f"{spec.output_name}: {added.output_shape}, {added.output_dtype}")
    table.add_row("classes", f"{len(spec.labels)} ({spec.labels_version}): {names}")
    table.add_row("size", f"{added.megabytes:.1f} MB, {added.run_ms:.1f} ms a batch on one thread here")
    found = added.findings.boxes
    table.add_row(
        "tried", f"on {TRIAL_PICTURES} drawn pictures: {found or 'no'} boxes with a score from 0.1 up"
    )
    console = output_console()
    console.print(table, highlight=False)
    for doubt in added.findings.doubts:
        console.print(f"[bold yellow]Warning[/]: {escape(doubt)}", highlight=False, soft_wrap=True)
    console.print(f"\nWrote {added.folder}. Use it with:", highlight=False, soft_wrap=True, markup=False)
    for line in (
        f"  sightline run VIDEO --model {added.folder}",
        f"  sightline --set model.path={added.folder} up",
    ):
        console.print(line, highlight=False, soft_wrap=True, markup=False)

"""The commands `python -m triton_repo.training draw|detector|appearance`."""

import argparse
import importlib
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2

from sightline.errors import SightlineError
from triton_repo.training.dataset import Dataset, write_dataset
from triton_repo.training.scenes import training_scenes, validation_scenes

DATA: Final = Path("training-data")
SCENES, SHOTS = 540, 12
VALIDATION_SCENES, VALIDATION_SHOTS = 18, 6


def main(arguments: list[str]) -> int:
    """Draw the training pictures, or train a model with them; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except SightlineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m triton_repo.training", description=main.__doc__)
    commands = parser.add_subparsers(required=True)
    draw = commands.add_parser("draw", help="draw the pictures that both models learn from")
    draw.add_argument("--scenes", type=int, default=SCENES, help=f"how many (default {SCENES})")
    draw.set_defaults(run=_draw)
    detector = commands.add_parser("detector", help="train the detector")
    detector.set_defaults(run=_detector)
    appearance = commands.add_parser("appearance", help="train the appearance network")
    appearance.set_defaults(run=_appearance)
    for command, name in ((detector, "detector"), (appearance, "appearance")):
        command.add_argument("--steps", type=int, help="batches (default: the recipe's)")
        command.add_argument("--bf16", action="store_true", help="multiply in bfloat16")
        command.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of the CPU")
        command.add_argument("--device", default="cpu", help="cpu (default) or cuda")
        command.add_argument("--to", type=Path, default=Path("triton_repo") / name / "1", metavar="FOLDER")
    for command in (draw, detector, appearance):
        command.add_argument("--seed", type=int, default=1, help="the same one gives the same (default 1)")
        command.add_argument("--data", type=Path, default=DATA, metavar="FOLDER", help=f"default {DATA}")
    return parser


def _draw(options: argparse.Namespace) -> None:
    processes = os.cpu_count() or 1
    scenes = training_scenes(options.scenes, SHOTS, options.seed)
    pictures = write_dataset(options.data / "train", scenes, processes)
    write_dataset(
        options.data / "validation", validation_scenes(VALIDATION_SCENES, VALIDATION_SHOTS), processes
    )
    sys.stdout.write(f"Drew {len(pictures)} pictures into {options.data}.\n")


def _detector(options: argparse.Namespace) -> None:
    _prepare_torch(options.threads)
    from triton_repo.training.detector_recipe import DetectorRecipe, train_detector

    recipe = _with_options(DetectorRecipe(), options)
    digest = train_detector(*_datasets(options.data), options.to, recipe, options.device)
    sys.stdout.write(f"Wrote {options.to}, SHA-256 {digest}.\n")


def _appearance(options: argparse.Namespace) -> None:
    _prepare_torch(options.threads)
    from triton_repo.training.appearance_recipe import AppearanceRecipe, train_appearance

    recipe = _with_options(AppearanceRecipe(), options)
    digest = train_appearance(*_datasets(options.data), options.to, recipe, options.device)
    sys.stdout.write(f"Wrote {options.to}, SHA-256 {digest}.\n")


def _with_options(recipe: Any, options: argparse.Namespace) -> Any:
    schedule = replace(recipe.schedule, steps=options.steps or recipe.schedule.steps)
    return replace(recipe, seed=options.seed, bf16=options.bf16, schedule=schedule)


def _datasets(folder: Path) -> tuple[Dataset, Dataset]:
    return Dataset.load(folder / "train"), Dataset.load(folder / "validation")


def _prepare_torch(threads: int) -> None:
    try:
        torch = importlib.import_module("torch")
    except ImportError as error:
        raise SightlineError(
            f"PyTorch, which trains the models, cannot be imported: {error}.",
            'Install it with `pip install "sightline[training]"`.',
        ) from error
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)  # pictures are prepared beside the training, one at a time


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

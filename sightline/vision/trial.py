"""A trial of a detector: what it gave for some pictures, and how a refusal of it is worded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sightline.errors import SightlineError
from sightline.vision.heads import FINAL_BOXES, Floats, Head, InputSize

ROUNDING: Final = 1e-3
FEW: Final = 0.05
"""A share of rows that may be broken without saying anything of the others."""

ENOUGH_ROWS: Final = 5


@dataclass(frozen=True)
class Trial:
    """What a detector gave for some pictures.

    Attributes:
        path: The model, for errors.
        head: The head that it is said to have.
        outputs: One output a picture, without the batch axis, of a shape that fits the head.
        size: The model's input size.
        labels: Its class names.
    """

    path: Path
    head: Head
    outputs: Sequence[Floats]
    size: InputSize
    labels: Sequence[str]


def rows_of(head: Head, output: Floats) -> Floats:
    """One row an anchor, query or detection."""
    return output.T if head is Head.YOLOV8 else output


def told_rows(head: Head, output: Floats) -> Floats:
    """The rows that hold a box: without broken numbers, and not there to fill up."""
    rows = rows_of(head, output)
    told = np.isfinite(rows).all(axis=1) & (rows[:, :4] != 0).any(axis=1)
    if head in FINAL_BOXES:
        told &= rows[:, 5] != -1
    kept: Floats = rows[told]
    return kept


def are_whole(values: Floats) -> bool:
    """Whether there are numbers, and nearly all are whole."""
    return len(values) > 0 and bool((np.abs(values - np.rint(values)) < ROUNDING).mean() > 1 - FEW)


def within_one(values: Floats) -> bool:
    """Whether all numbers are 0 to 1."""
    return bool(((values >= -ROUNDING) & (values <= 1 + ROUNDING)).all())


def ask(head: Head) -> str:
    """The suspicion, as a question."""
    return f"Is it --head {head.value}?"


def ask_anew() -> str:
    """What to do where nothing is suspected."""
    return "Give the head that it was exported with: " + ", ".join(one.value for one in Head) + "."


def refusal(trial: Trial, problem: str, fix: str) -> SightlineError:
    """The error for outputs that cannot be what the head says."""
    return SightlineError(
        f"The output of {trial.path} cannot be what head {trial.head.value} says: {problem}.", fix
    )

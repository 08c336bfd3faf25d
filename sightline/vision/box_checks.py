"""Tell from the numbers of a detector's boxes whether they can be what its head says."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sightline.vision.heads import (
    FINAL_BOXES,
    SET_PREDICTIONS,
    WITH_OBJECTNESS,
    BoxUnits,
    Floats,
    Head,
    InputSize,
    grid,
)
from sightline.vision.trial import ENOUGH_ROWS, FEW, ROUNDING, Trial, ask, ask_anew, refusal, told_rows

MOST_SHARE: Final = 2.0
"""Coordinates up to this are shares: no detector's best boxes all lie within two pixels of the corner."""

_FAR_OUT: Final = 0.5  # of a side; boxes may stick out of the picture, their middles hardly
_HUGE: Final = 4.0  # sides of the input
_MANY_ROWS: Final = 20
_ENOUGH_ANCHORS: Final = 50


def check_raw_grid(trial: Trial) -> None:
    """A raw grid has offsets and logarithms: boxes that were decoded before come out larger than pictures."""
    _, strides = grid(trial.size)
    side = max(trial.size.width, trial.size.height)
    told = [(output[:, :4] != 0).any(axis=1) & np.isfinite(output).all(axis=1) for output in trial.outputs]
    logs = np.concatenate([o[keep, 2:4] for o, keep in zip(trial.outputs, told, strict=True)])
    steps = np.concatenate([strides[keep] for keep in told])
    if not len(logs):
        return
    huge = (logs > np.log(_HUGE * side / steps)[:, None]).any(axis=1)
    if huge.mean() > 0.5 or any(_follows_grid(output, trial.size) for output in trial.outputs):
        ones = all((output[:, 4] == 1).all() for output in trial.outputs)
        raise refusal(
            trial,
            "its boxes are decoded already"
            + (", and would be larger than any picture if they were decoded again" if huge.any() else ""),
            ask(Head.YOLOV6 if ones else Head.YOLOX_DECODED),
        )


def check_decoded(trial: Trial) -> None:
    """Decoded boxes of a grid lie where their cells are, and have sides of zero or more."""
    if trial.head in FINAL_BOXES:
        return
    best = np.concatenate([told_rows(trial.head, output) for output in trial.outputs])
    sides = best[:, 2:4]
    below: NDArray[np.bool_] = np.any(sides < -ROUNDING, axis=1)
    on_grid = trial.head in WITH_OBJECTNESS and all(len(o) == len(grid(trial.size)[0]) for o in trial.outputs)
    apart = on_grid and any(_follows_grid(output, trial.size) is False for output in trial.outputs)
    if (len(below) and below.mean() > FEW) or apart:
        raise refusal(
            trial,
            f"some boxes have a width or height below zero ({sides.min():.3g}), so they are not decoded"
            if below.any()
            else "the boxes do not lie where their cells are, so they are not decoded",
            ask(Head.YOLOX) if on_grid else "Export the model with its boxes decoded.",
        )


def check_middles(trial: Trial) -> None:
    """Refuse a grid's boxes by corners: by middles, those on the right are narrower than they are far out."""
    if trial.head in FINAL_BOXES | SET_PREDICTIONS:
        return
    told = np.concatenate([told_rows(trial.head, output) for output in trial.outputs])
    corners = len(told) > 0 and (told[:, 2:4] >= told[:, :2]).all(axis=1).mean() > 1 - FEW
    if corners and _different(told) >= _ENOUGH_ANCHORS:
        raise refusal(
            trial, "all boxes look like two corners", "Export the model with middles, widths and heights."
        )


def _follows_grid(output: Floats, size: InputSize) -> bool | None:
    """Whether the boxes' middles go with their cells; None if there are too few to tell."""
    cells, strides = grid(size)
    told = (output[:, :4] != 0).any(axis=1) & np.isfinite(output).all(axis=1)
    if len(output) != len(cells) or told.sum() < _ENOUGH_ANCHORS:
        return None
    places = (cells[told] + 0.5) * strides[told, None]
    middles = output[told, :2]
    if not (middles.std(axis=0) > 0).all():
        return None
    likeness = min(float(np.corrcoef(places[:, axis], middles[:, axis])[0, 1]) for axis in (0, 1))
    return True if likeness > 0.7 else False if likeness < 0.4 else None


def check_corners(trial: Trial, best: Floats) -> Iterator[str]:
    """Corners are in order; middles and sides are not in the order of corners."""
    if trial.head not in FINAL_BOXES | SET_PREDICTIONS or not len(best):
        return
    slack = ROUNDING * np.abs(best[:, :4]).max()
    swapped = ((best[:, 2] < best[:, 0] - slack) | (best[:, 3] < best[:, 1] - slack)).mean()
    if trial.head is Head.END2END and swapped:
        words = f"{swapped:.0%} of the boxes have their second corner left of or above the first"
        if swapped > FEW:
            raise refusal(trial, f"{words}, as middles, widths and heights do", ask(Head.END2END_XYWH))
        yield f"Of the boxes of {trial.path}, {words}."
    if trial.head is Head.END2END_XYWH and not swapped:
        words = "all boxes look like two corners"
        if _different(best) >= ENOUGH_ROWS:
            raise refusal(trial, words, ask(Head.END2END))
        yield f"In the output of {trial.path}, {words}: is it --head {Head.END2END.value}?"
    if trial.head in SET_PREDICTIONS and not swapped and _different(best) >= _MANY_ROWS:
        raise refusal(
            trial,
            "all boxes look like two corners",
            "Export them as middle, width and height, or use --head "
            f"{Head.END2END.value} with one score and one class id a row.",
        )


def check_places(trial: Trial, best: Floats, units: BoxUnits) -> None:
    """Most of the best boxes have their middle in the picture, and no one is many times as large."""
    if not len(best):
        return
    sides = np.array((1, 1) if units == "shares" else (trial.size.width, trial.size.height), np.float32)
    corners = trial.head is Head.END2END
    middles = (best[:, :2] + best[:, 2:4]) / 2 if corners else best[:, :2]
    lengths = best[:, 2:4] - best[:, :2] if corners else best[:, 2:4]
    out = ((middles < -_FAR_OUT * sides) | (middles > (1 + _FAR_OUT) * sides)).any(axis=1).mean()
    huge = (lengths > _HUGE * sides).any(axis=1).mean()
    if out > 0.5 or huge > 0.5:
        raise refusal(
            trial,
            f"{max(out, huge):.0%} of the best boxes are {'outside of' if out > 0.5 else 'far larger than'} "
            f"the picture (their numbers go up to {np.abs(best[:, :4]).max():.4g}, for an input of "
            f"{trial.size.width}x{trial.size.height})",
            ask_anew(),
        )


def _different(rows: Floats) -> int:
    """How many boxes there are, repeats counted once."""
    return len(np.unique(rows[:, :4].round(5), axis=0))


def units_of(best: Floats) -> BoxUnits:
    """What the boxes are in, by the largest of their numbers."""
    return "shares" if len(best) and np.abs(best[:, :4]).max() <= MOST_SHARE else "pixels"


def are_corners(told: Floats) -> bool:
    """Whether the boxes look like two corners, rather than like a middle and sides."""
    return bool((told[:, 2:4] >= told[:, :2]).mean() > 0.9)

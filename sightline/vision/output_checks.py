"""Look at what a detector gives for pictures, and tell whether it can be what its head says.

Layouts of the same shape differ in what the numbers mean, and a wrong reading gives plausible nonsense: one
box for everything, or none. What the head leaves open (pixels or shares, probabilities or logits) is found
here, by numbers that exclude the other. What cannot be is an error that names what it looks like; what is
only odd is a doubt. Rows without a box say nothing, so a model that finds nothing passes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.heads import (
    FINAL_BOXES,
    SET_PREDICTIONS,
    WITH_OBJECTNESS,
    BoxUnits,
    Floats,
    Head,
    InputSize,
    OutputForm,
    ScoreForm,
    decode,
    grid,
)

_BEST: Final = 100
"""Rows with the best scores of each picture are looked at for their boxes: the others may be anything."""

_ROUNDING: Final = 1e-3
_MOST_SHARE: Final = 2.0
"""Coordinates up to this are shares: no detector's best boxes all lie within two pixels of the corner."""

_FEW: Final = 0.05
_FAR_OUT: Final = 0.5  # of a side; boxes may stick out of the picture, their middles hardly
_HUGE: Final = 4.0  # sides of the input
_SURE_SCORE: Final = 0.1
_ENOUGH_ROWS: Final = 5
_MANY_ROWS: Final = 20
_ENOUGH_ANCHORS: Final = 50


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


@dataclass(frozen=True)
class Findings:
    """What the numbers turned out to be.

    Attributes:
        form: What the head leaves open.
        doubts: What seems odd, as sentences for people.
        boxes: How many boxes have a score of 0.1 or more, before suppression, over all pictures.
    """

    form: OutputForm
    doubts: tuple[str, ...]
    boxes: int


def check_outputs(trial: Trial) -> Findings:
    """Check outputs against the head.

    Raises:
        SightlineError: They cannot be what the head says.
    """
    rows = np.concatenate([_rows(trial.head, output) for output in trial.outputs])
    if rows.size and not np.isfinite(rows).all(axis=1).mean() > 0.5:
        raise _refusal(trial, "most of its rows are not finite numbers", "Export it in float32.")
    rows = rows[np.isfinite(rows).all(axis=1)]
    told = rows[(rows[:, :4] != 0).any(axis=1)]
    doubts: list[str] = []
    if trial.head in FINAL_BOXES:
        _check_classes(trial, told)
    form = OutputForm("pixels", _score_form(trial, rows, told))
    if trial.head is Head.YOLOX:
        _check_raw_grid(trial)
    else:
        best = np.concatenate([_best(trial.head, _told(_rows(trial.head, one))) for one in trial.outputs])
        _check_decoded(trial)
        doubts += _check_corners(trial, best)
        # DETR's boxes are shares unless its numbers say otherwise, the others' are pixels.
        units = "shares" if trial.head in SET_PREDICTIONS and not len(best) else _units(best)
        form = OutputForm(units, form.scores)
        _check_places(trial, best, form.box_units)
    doubts += _odd_scores(trial, rows, form)
    found = _found(trial, form)
    doubts += _sameness(trial, found)
    return Findings(form, tuple(doubts), len(found))


def _rows(head: Head, output: Floats) -> Floats:
    """One row an anchor, query or detection."""
    return output.T if head is Head.YOLOV8 else output


def _told(rows: Floats) -> Floats:
    told: Floats = rows[np.isfinite(rows).all(axis=1) & (rows[:, :4] != 0).any(axis=1)]
    return told


def _best(head: Head, rows: Floats) -> Floats:
    if head in FINAL_BOXES:
        scores = rows[:, 4]
    elif head in WITH_OBJECTNESS:
        scores = rows[:, 4] * rows[:, 5:].max(axis=1)
    else:
        # The last class of DETR is "no object".
        scores = rows[:, 4 : rows.shape[1] - (head is Head.DETR)].max(axis=1)
    best: Floats = rows[np.argsort(-scores, kind="stable")[:_BEST]]
    return best


def _score_form(trial: Trial, rows: Floats, told: Floats) -> ScoreForm:
    scores = rows[:, 4] if trial.head in FINAL_BOXES else rows[:, 4:]
    low, high = float(scores.min(initial=0.0)), float(scores.max(initial=0.0))
    if low >= -_ROUNDING and high <= 1 + _ROUNDING:
        return "probabilities"
    if trial.head in SET_PREDICTIONS:
        if _looks_final(told):
            raise _refusal(
                trial,
                f"the last value of each row is a whole number up to {told[:, 5].max():g}, as a class id is",
                _ask(Head.END2END if _are_corners(told) else Head.END2END_XYWH),
            )
        return "logits"
    if trial.head in FINAL_BOXES and _is_whole(told[:, 4]) and _within_one(told[:, 5]):
        raise _refusal(
            trial,
            "the score and the class id of each row look swapped",
            "Export the model with the score before the class id.",
        )
    raise SightlineError(
        f"The scores of {trial.path} run from {low:.3g} to {high:.3g}; expected 0 to 1 for head "
        f"{trial.head.value}.",
        "Export the model with its sigmoid, or give the head that it was exported with.",
    )


def _check_classes(trial: Trial, told: Floats) -> None:
    """Class ids are whole numbers of the classes that there are."""
    ids, known = told[:, 5], len(trial.labels)
    if not len(ids):
        return
    broken = np.abs(ids - np.rint(ids)) > _ROUNDING
    if broken.mean() > _FEW:
        shares = _units(told) == "shares"
        if _within_one(told[:, 4:]):
            raise _refusal(
                trial,
                "the last value of each row, which is to be a class id, is "
                f"{ids.min():.3g} to {ids.max():.3g}, as a score is"
                + (", and the boxes look like shares of the picture" if shares else ""),
                f"Is it --head {Head.RTDETR.value}, with two classes?",
            )
        raise _refusal(
            trial, f"the class ids are no whole numbers ({ids[broken][0]:.4g} is one)", _other_head()
        )
    sure = ids[told[:, 4] >= _SURE_SCORE]
    if len(sure) and (sure.max() > known - 0.5 or sure.min() < -0.5):
        raise _refusal(
            trial,
            f"it gives the class id {sure.max() if sure.max() > known - 0.5 else sure.min():.0f}, but there "
            f"are {known} class names",
            "Give the labels that the model was trained with (coco-91 for models with COCO's 91 ids).",
        )


def _check_raw_grid(trial: Trial) -> None:
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
        raise _refusal(
            trial,
            "its boxes are decoded already"
            + (", and would be larger than any picture if they were decoded again" if huge.any() else ""),
            _ask(Head.YOLOV6 if ones else Head.YOLOX_DECODED),
        )


def _check_decoded(trial: Trial) -> None:
    """Decoded boxes of a grid lie where their cells are, and have sides of zero or more."""
    if trial.head in FINAL_BOXES:
        return
    best = np.concatenate([_told(_rows(trial.head, output)) for output in trial.outputs])
    sides = best[:, 2:4]
    below: NDArray[np.bool_] = np.any(sides < -_ROUNDING, axis=1)
    on_grid = trial.head in WITH_OBJECTNESS and all(len(o) == len(grid(trial.size)[0]) for o in trial.outputs)
    apart = on_grid and any(_follows_grid(output, trial.size) is False for output in trial.outputs)
    if (len(below) and below.mean() > _FEW) or apart:
        raise _refusal(
            trial,
            f"some boxes have a width or height below zero ({sides.min():.3g}), so they are not decoded"
            if below.any()
            else "the boxes do not lie where their cells are, so they are not decoded",
            _ask(Head.YOLOX) if on_grid else "Export the model with its boxes decoded.",
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


def _check_corners(trial: Trial, best: Floats) -> Iterator[str]:
    """Corners are in order; middles and sides are not in the order of corners."""
    if trial.head not in FINAL_BOXES | SET_PREDICTIONS or not len(best):
        return
    slack = _ROUNDING * np.abs(best[:, :4]).max()
    swapped = ((best[:, 2] < best[:, 0] - slack) | (best[:, 3] < best[:, 1] - slack)).mean()
    if trial.head is Head.END2END and swapped:
        words = f"{swapped:.0%} of the boxes have their second corner left of or above the first"
        if swapped > _FEW:
            raise _refusal(trial, f"{words}, as middles, widths and heights do", _ask(Head.END2END_XYWH))
        yield f"Of the boxes of {trial.path}, {words}."
    if trial.head is Head.END2END_XYWH and not swapped:
        words = "all boxes look like two corners"
        if _different(best) >= _ENOUGH_ROWS:
            raise _refusal(trial, words, _ask(Head.END2END))
        yield f"In the output of {trial.path}, {words}: is it --head {Head.END2END.value}?"
    if trial.head in SET_PREDICTIONS and not swapped and _different(best) >= _MANY_ROWS:
        raise _refusal(
            trial,
            "all boxes look like two corners",
            "Export them as middle, width and height, or use --head "
            f"{Head.END2END.value} with one score and one class id a row.",
        )


def _check_places(trial: Trial, best: Floats, units: BoxUnits) -> None:
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
        raise _refusal(
            trial,
            f"{max(out, huge):.0%} of the best boxes are {'outside of' if out > 0.5 else 'far larger than'} "
            f"the picture (their numbers go up to {np.abs(best[:, :4]).max():.4g}, for an input of "
            f"{trial.size.width}x{trial.size.height})",
            _other_head(),
        )


def _odd_scores(trial: Trial, rows: Floats, form: OutputForm) -> Iterator[str]:
    """What tells a softmax from sigmoids, and YOLOv6 from YOLOX."""
    head, scores = trial.head, rows[:, 4:]
    if head in SET_PREDICTIONS and len(rows) and scores.shape[1] > 1:
        last_wins = float((scores.argmax(axis=1) == scores.shape[1] - 1).mean())
        shares = form.scores == "probabilities" and bool((np.abs(scores.sum(axis=1) - 1) < 0.01).all())
        if head is Head.RTDETR and shares:
            raise _refusal(trial, "the scores of each row add up to 1", _ask(Head.DETR))
        sure = float((scores[:, -1] > (0.5 if form.scores == "probabilities" else 0.0)).mean())
        if head is Head.RTDETR and last_wins > 0.9 and sure > 0.5:
            yield (
                f"The last class of {trial.path} wins in {last_wins:.0%} of the rows, as "
                f"'no object' does: is it --head {Head.DETR.value}?"
            )
        if head is Head.DETR and form.scores == "probabilities" and not shares and scores.any():
            raise _refusal(trial, "the scores of a row do not add up to 1", _ask(Head.RTDETR))
        if head is Head.DETR and last_wins < 0.1:
            yield (
                f"The last class of {trial.path}, to be 'no object', wins in {last_wins:.0%} of the "
                f"rows: is it --head {Head.RTDETR.value}?"
            )
    if head in (Head.YOLOV6, Head.YOLOX_DECODED) and rows.any():
        ones = bool((rows[:, 4] == 1).all())
        if ones is (head is Head.YOLOX_DECODED):
            other = Head.YOLOV6 if ones else Head.YOLOX_DECODED
            yield (
                f"The objectness of {trial.path} is {'1 for all boxes' if ones else 'not 1'}, as "
                f"{'YOLOv6' if ones else 'YOLOX'} has it: is it --head {other.value}?"
            )


def _found(trial: Trial, form: OutputForm) -> Floats:
    """All boxes with some score, cut to the input, float32 (K, 4)."""
    limits = np.array((trial.size.width, trial.size.height) * 2, np.float32)
    decoded = [
        decode(trial.head, output, trial.size, len(trial.labels), _SURE_SCORE, form).boxes
        for output in trial.outputs
    ]
    return np.clip(np.concatenate(decoded), 0, limits)


def _sameness(trial: Trial, found: Floats) -> Iterator[str]:
    if len(found) >= _ENOUGH_ROWS and (np.abs(found - found[0]) < 0.5).all():
        box = ", ".join(f"{side:.0f}" for side in found[0])
        yield (
            f"All {len(found)} boxes that {trial.path} finds in {len(trial.outputs)} different pictures are "
            f"the same ({box}): its head may be another one."
        )


def _different(rows: Floats) -> int:
    """How many boxes there are, repeats counted once."""
    return len(np.unique(rows[:, :4].round(5), axis=0))


def _units(best: Floats) -> BoxUnits:
    return "shares" if len(best) and np.abs(best[:, :4]).max() <= _MOST_SHARE else "pixels"


def _looks_final(told: Floats) -> bool:
    return told.shape[1] == 6 and _is_whole(told[:, 5]) and _within_one(told[:, 4])


def _are_corners(told: Floats) -> bool:
    return bool((told[:, 2:4] >= told[:, :2]).mean() > 0.9)


def _is_whole(values: Floats) -> bool:
    return len(values) > 0 and bool((np.abs(values - np.rint(values)) < _ROUNDING).mean() > 1 - _FEW)


def _within_one(values: NDArray[np.float32]) -> bool:
    return bool(((values >= -_ROUNDING) & (values <= 1 + _ROUNDING)).all())


def _ask(head: Head) -> str:
    return f"Is it --head {head.value}?"


def _other_head() -> str:
    return "Give the head that it was exported with: " + ", ".join(one.value for one in Head) + "."


def _refusal(trial: Trial, problem: str, fix: str) -> SightlineError:
    return SightlineError(
        f"The output of {trial.path} cannot be what head {trial.head.value} says: {problem}.", fix
    )

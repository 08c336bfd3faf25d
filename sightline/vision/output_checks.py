"""Look at what a detector gives for pictures, and tell whether it can be what its head says.

Layouts of the same shape differ in what the numbers mean, and a wrong reading gives plausible nonsense: one
box for everything, or none. What the head leaves open (pixels or shares, probabilities or logits) is found
here, by numbers that exclude the other. What cannot be is an error that names what it looks like; what is
only odd is a doubt. Rows without a box say nothing, so a model that finds nothing passes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from sightline.errors import SightlineError
from sightline.vision.box_checks import (
    are_corners,
    check_corners,
    check_decoded,
    check_middles,
    check_places,
    check_raw_grid,
    units_of,
)
from sightline.vision.head_checks import fitting_heads
from sightline.vision.heads import (
    FINAL_BOXES,
    SET_PREDICTIONS,
    WITH_OBJECTNESS,
    Floats,
    Head,
    OutputForm,
    ScoreForm,
    decode,
)
from sightline.vision.trial import (
    ENOUGH_ROWS,
    FEW,
    ROUNDING,
    Trial,
    are_whole,
    ask,
    ask_anew,
    refusal,
    rows_of,
    told_rows,
    within_one,
)

_BEST: Final = 100
"""Rows with the best scores of each picture are looked at for their boxes: the others may be anything."""

_SURE_SCORE: Final = 0.1

_ALL: Final = 0.01
"""How far the sum of a softmax may be from 1."""

_MANY_ROWS: Final = 100


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
    rows = np.concatenate([rows_of(trial.head, output) for output in trial.outputs])
    if rows.size and not np.isfinite(rows).all(axis=1).mean() > 0.5:
        raise refusal(trial, "most of its rows are not finite numbers", "Export it in float32.")
    rows = rows[np.isfinite(rows).all(axis=1)]
    told = np.concatenate([told_rows(trial.head, output) for output in trial.outputs])
    doubts: list[str] = []
    if trial.head in FINAL_BOXES:
        _check_classes(trial, told)
    form = OutputForm("pixels", _score_form(trial, rows, told))
    if trial.head is Head.YOLOX:
        check_raw_grid(trial)
    else:
        best = np.concatenate([_best(trial.head, told_rows(trial.head, one)) for one in trial.outputs])
        check_decoded(trial)
        check_middles(trial)
        doubts += check_corners(trial, best)
        # DETR's boxes are shares unless its numbers say otherwise, the others' are pixels.
        units = "shares" if trial.head in SET_PREDICTIONS and not len(best) else units_of(best)
        form = OutputForm(units, form.scores)
        if trial.head in SET_PREDICTIONS and (units == "pixels" or form.scores == "logits"):
            _refuse_final_boxes(trial, told)
        check_places(trial, best, form.box_units)
    doubts += _odd_scores(trial, rows, form)
    found = _found(trial, form)
    doubts += _too_many(trial, len(found))
    doubts += _sameness(trial, found)
    return Findings(form, tuple(doubts), len(found))


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
    scores = told[:, 4] if trial.head in FINAL_BOXES else rows[:, 4:]
    low, high = float(scores.min(initial=0.0)), float(scores.max(initial=0.0))
    if low >= -ROUNDING and high <= 1 + ROUNDING:
        return "probabilities"
    if trial.head in SET_PREDICTIONS:
        return "logits"
    export = "its sigmoid" if low < -ROUNDING else "scores from 0 to 1"
    raise SightlineError(
        f"The scores of {trial.path} run from {low:.3g} to {high:.3g}; expected 0 to 1 for head "
        f"{trial.head.value}.",
        f"Export the model with {export}, or give the head that it was exported with.",
    )


def _check_classes(trial: Trial, told: Floats) -> None:
    """Class ids are whole numbers of the classes that there are."""
    ids, known = told[:, 5], len(trial.labels)
    if not len(ids):
        return
    scores = told[:, 4]
    if are_whole(scores) and scores.max() > 1 and within_one(ids):
        raise refusal(
            trial,
            "the score and the class id of each row look swapped",
            "Export the model with the score before the class id.",
        )
    if within_one(ids) and (ids != np.rint(ids)).any() and (np.abs(scores + ids - 1) < _ALL).all():
        raise refusal(trial, "score and class id of each row add up to 1", _ask_for_six(trial, told))
    broken = np.abs(ids - np.rint(ids)) > ROUNDING
    if broken.mean() > FEW or broken[scores >= _SURE_SCORE].any():
        shares = units_of(told) == "shares"
        if within_one(told[:, 4:]):
            raise refusal(
                trial,
                "the last value of each row, which is to be a class id, is "
                f"{ids.min():.3g} to {ids.max():.3g}, as a score is"
                + (", and the boxes look like shares of the picture" if shares else ""),
                _ask_for_six(trial, told),
            )
        words = f"the class ids are no whole numbers ({ids[broken][0]:.4g} is one)"
        raise refusal(trial, words, _ask_for_six(trial, told))
    sure = ids[told[:, 4] >= _SURE_SCORE]
    if len(sure) and (sure.max() > known - 0.5 or sure.min() < -0.5):
        raise refusal(
            trial,
            f"it gives the class id {sure.max() if sure.max() > known - 0.5 else sure.min():.0f}, but there "
            f"are {known} class names",
            "Give the labels that the model was trained with (coco-91 for models with COCO's 91 ids).",
        )


def _ask_for_six(trial: Trial, told: Floats) -> str:
    """Which head has rows of six values, as many of them, that are no box, score and class id."""
    possible = fitting_heads((1, *trial.outputs[0].shape), trial.size)
    grids = [head for head in possible if head in WITH_OBJECTNESS]
    probable = within_one(told[:, 4:])
    if probable and grids:
        head = grids[0]
        if Head.YOLOX in grids and not (told[:, 2:4] < -ROUNDING).any():
            head = Head.YOLOX_DECODED
        if Head.YOLOV6 in grids and (told[:, 4] == 1).all():
            head = Head.YOLOV6
        return f"Is it --head {head.value}, with one class?"
    if Head.RTDETR not in possible:
        return ask_anew()
    sums = probable and bool((np.abs(told[:, 4:].sum(axis=1) - 1) < _ALL).all())
    nothing = sums or (not probable and bool((told[:, 5] > told[:, 4]).mean() > 1 - FEW))
    words = f"{Head.DETR.value}, with one class" if nothing else f"{Head.RTDETR.value}, with two classes"
    return f"Is it --head {words}?"


def _odd_scores(trial: Trial, rows: Floats, form: OutputForm) -> Iterator[str]:
    """What tells a softmax from sigmoids, and YOLOv6 from YOLOX."""
    head, scores = trial.head, rows[:, 4:]
    if head in SET_PREDICTIONS and len(rows) and scores.shape[1] > 1:
        last_wins = float((scores.argmax(axis=1) == scores.shape[1] - 1).mean())
        shares = form.scores == "probabilities" and bool((np.abs(scores.sum(axis=1) - 1) < _ALL).all())
        if head is Head.RTDETR and shares:
            raise refusal(trial, "the scores of each row add up to 1", ask(Head.DETR))
        sure = float((scores[:, -1] > (0.5 if form.scores == "probabilities" else 0.0)).mean())
        if head is Head.RTDETR and last_wins > 0.9 and sure > 0.5:
            yield (
                f"The last class of {trial.path} wins in {last_wins:.0%} of the rows, as "
                f"'no object' does: is it --head {Head.DETR.value}?"
            )
        if head is Head.DETR and form.scores == "probabilities" and not shares and scores.any():
            raise refusal(trial, "the scores of a row do not add up to 1", ask(Head.RTDETR))
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


def _too_many(trial: Trial, found: int) -> Iterator[str]:
    """Nearly all anchors and queries are background, unless a sigmoid was taken twice: it gives 0.5 for 0."""
    rows = sum(len(rows_of(trial.head, output)) for output in trial.outputs)
    if trial.head not in FINAL_BOXES and rows >= _MANY_ROWS and found > rows / 2:
        yield (
            f"Of all boxes that {trial.path} gives, {found / rows:.0%} have a score of {_SURE_SCORE:g} or "
            "more, where most should have none: was its sigmoid taken twice in the export?"
        )


def _sameness(trial: Trial, found: Floats) -> Iterator[str]:
    if len(found) >= ENOUGH_ROWS and (np.abs(found - found[0]) < 0.5).all():
        box = ", ".join(f"{side:.0f}" for side in found[0])
        yield (
            f"All {len(found)} boxes that {trial.path} finds in {len(trial.outputs)} different pictures are "
            f"the same ({box}): its head may be another one."
        )


def _refuse_final_boxes(trial: Trial, told: Floats) -> None:
    if told.shape[1] == 6 and are_whole(told[:, 5]) and within_one(told[:, 4]):
        raise refusal(
            trial,
            f"the last value of each row is a whole number up to {told[:, 5].max():g}, as a class id is",
            ask(Head.END2END if are_corners(told) else Head.END2END_XYWH),
        )

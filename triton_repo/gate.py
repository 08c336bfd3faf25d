"""What a conversion may cost: a converted network is measured against its original, and refused below 90%."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sightline.errors import SightlineError
from sightline.vision.engines import Accuracy, Measure

LEAST_KEPT: Final = 0.9
"""A converted network that keeps less of its original's accuracy is refused."""

LEAST_ORIGINAL: Final = 0.05
"""An original that is better than chance by less is not made for the pictures: shares of it say nothing."""

WORDS: Final[Mapping[str, str]] = {
    "map50_95": "mean average precision",
    "attribute_accuracy": "accuracy of attributes",
    "reid_pairs": "accuracy of re-identification",
}
"""What the measures are called in sentences."""


def check_original(measure: Measure) -> Measure:
    """Refuse to compare with an original that does nothing for the pictures; returns the measure.

    Raises:
        SightlineError: It is no better than chance, or hardly.
    """
    if measure.original - measure.chance >= LEAST_ORIGINAL:
        return measure
    guess = f", and guessing would have {measure.chance:.3f}" if measure.chance else ""
    raise SightlineError(
        f"The original has a {WORDS[measure.name]} of {measure.original:.3f} on these pictures{guess}, so "
        "nothing can be compared.",
        "Give pictures of what the network is made for: --calibration FOLDER.",
    )


def check(accuracy: Accuracy, what: str, *, force: bool) -> Accuracy:
    """Refuse a conversion that lost too much; returns the accuracy, marked if it was forced through.

    Raises:
        SightlineError: Less than `LEAST_KEPT` is left of one measure, and nobody forces it.
    """
    if accuracy.kept >= LEAST_KEPT:
        return accuracy
    if force:
        return replace(accuracy, forced=True)
    worst = accuracy.worst
    guess = f", where guessing gives {worst.chance:.3f}" if worst.chance else ""
    raise SightlineError(
        f"{what} keeps {worst.kept:.1%} of the original's {WORDS[worst.name]} "
        f"({worst.converted:.3f} of {worst.original:.3f}{guess}), less than {LEAST_KEPT:.0%}; it was not "
        "written.",
        "Use --fp16, or give --calibration FOLDER with pictures of your own cameras, or --force.",
    )

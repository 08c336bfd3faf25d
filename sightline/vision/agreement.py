"""What a detector's class says about an attribute: a truck is not a person in a red coat.

The two networks look at the same object, the detector in its picture, the appearance network cut out and
stretched to a square, where a lorry's back at night can look like a coat. An attribute that is named after
one of the detector's classes (`truck-box`, for `truck`) is therefore believed less where the detector found
another class; attributes with other names are left as they are.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sightline.vision.detector import Detected

OTHER_CLASS: Final = 0.01
"""How much an attribute of another class counts against one of the detector's class."""


def class_shares(labels: Sequence[str], attributes: Sequence[str]) -> NDArray[np.float32]:
    """How much each attribute counts for each of the detector's classes.

    Args:
        labels: The L names of the detector's classes.
        attributes: The C names of the attributes.

    Returns:
        float32 (L, C): `OTHER_CLASS` where the attribute is named after another class, else 1. Of classes
        whose names begin alike, an attribute is of the one with the longest name.
    """
    shares = np.ones((len(labels), len(attributes)), np.float32)
    for column, attribute in enumerate(attributes):
        owners = [label for label in labels if attribute.startswith(f"{label}-")]
        if owners:
            owner = max(owners, key=len)
            shares[[label != owner for label in labels], column] = OTHER_CLASS
    return shares


def agreed(found: Detected, shares: NDArray[np.float32]) -> Detected:
    """The detections with probabilities that heed their classes; each row keeps its sum.

    Args:
        found: What was found and looked at.
        shares: See `class_shares`.
    """
    if found.probabilities is None or not len(found.scores):
        return found
    weighed = found.probabilities * shares[found.class_ids]
    before, after = found.probabilities.sum(axis=1), weighed.sum(axis=1)
    weighed *= np.divide(before, after, out=np.ones_like(after), where=after > 0)[:, None]
    return replace(found, probabilities=np.minimum(weighed, np.float32(1)))

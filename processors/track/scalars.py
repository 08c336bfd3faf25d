"""Numbers that meet arrays in every step, as arrays without dimensions.

NumPy needs half as long to combine a row of some tens of numbers with one of these as with a Python float,
of which it has to make such an array first; and a step does it thirty times.
"""

from typing import Final

import numpy as np

from processors.track.state import Floats


def scalar(value: float) -> Floats:
    """The number as a constant array without dimensions."""
    array: Floats = np.array(value)
    array.flags.writeable = False
    return array


ZERO: Final = scalar(0.0)
HALF: Final = scalar(0.5)
ONE: Final = scalar(1.0)

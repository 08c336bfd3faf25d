"""Drawing by lot, with the same result on every machine."""

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


class Lot:
    """Numbers that follow from other numbers: PCG64, whose output NumPy keeps the same for ever.

    NumPy's own `uniform` multiplies and adds in C, where some compilers fuse the two; here Python does it,
    which rounds each.

    Args:
        numbers: What they follow from, each 0 or more.
    """

    def __init__(self, *numbers: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64(numbers))

    def random(self) -> float:
        """A number from 0 up to 1."""
        return float(self._generator.random())

    def uniform(self, low: float, high: float) -> float:
        """A number from low up to high."""
        return low + (high - low) * self.random()

    def integer(self, low: int, high: int) -> int:
        """A whole number from low up to high, which is left out."""
        return int(self._generator.integers(low, high))

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """An array of whole numbers from low up to high, which is left out."""
        return self._generator.integers(low, high, shape)

    def chance(self, share: float) -> bool:
        """True in so many cases."""
        return self.random() < share

    def pick(self, choices: tuple[T, ...]) -> T:
        """One of them."""
        return choices[self.integer(0, len(choices))]

    def within_disc(self) -> float:
        """How far from a disc's middle (0..1) a point is that can be anywhere on it."""
        return math.sqrt(self.random())

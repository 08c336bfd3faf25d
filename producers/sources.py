"""What a source of frames is, whatever it reads from."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from producers.truth import FrameTruth, Legend

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """One frame as it comes out of a source.

    Attributes:
        index: 0 for the source's first frame, then one more for each.
        timestamp_ns: Time since the first frame, in nanoseconds; rises with every frame.
        image: uint8 (height, width, 3), BGR. Nobody writes into it later.
        truth: What is in it, where the source knows.
    """

    index: int
    timestamp_ns: int
    image: Image
    truth: FrameTruth | None = None


@dataclass(frozen=True)
class Gap:
    """Pictures that were in the source and did not come out of it, at this place or not far from it.

    Attributes:
        count: How many, at least 1.
        reason: Why, as it is counted.
    """

    count: int
    reason: str = "not_decodable"


class Source(Protocol):
    """An open source of frames."""

    @property
    def fps(self) -> float:
        """Nominal frames a second, over 0."""
        ...

    @property
    def width(self) -> int:
        """Width in pixels when it was opened; a camera may change it."""
        ...

    @property
    def height(self) -> int:
        """Height in pixels when it was opened; a camera may change it."""
        ...

    @property
    def live(self) -> bool:
        """Whether it goes on by itself, so that who is too slow misses frames."""
        ...

    @property
    def own_clock(self) -> bool:
        """Whether its timestamps are a better event time than the wall clock at capture."""
        ...

    @property
    def message(self) -> str:
        """A sentence for people about what is not as it should be, empty if all is well."""
        ...

    @property
    def legend(self) -> Legend | None:
        """What the truth of its pictures is told in; None where it knows nothing of them."""
        ...

    def pictures(self, stop: threading.Event) -> Iterator[Picture | Gap]:
        """All frames in order, until the source ends or `stop` is set. To be called once.

        A gap stands for frames that are lost; it has no index.

        Raises:
            SightlineError: Nothing can be read.
        """
        ...

    def close(self) -> None:
        """Let go of the file or connection."""
        ...

"""The one protocol behind which models run."""

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

Arrays = tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class Capabilities:
    """What a back end can do.

    Attributes:
        max_batch: The most pictures that one call takes, or None if there is no limit.
    """

    max_batch: int | None = None


class Backend(Protocol):
    """Runs one model. Implementations say whether several threads may call `infer` at once."""

    @property
    def capabilities(self) -> Capabilities:
        """What this back end can do."""
        ...

    def infer(self, batch: NDArray[Any]) -> Arrays:
        """Run the model.

        Args:
            batch: (N, C, H, W) or (N, H, W, C), of the layout and dtype that the model's spec names; N is at
                most `capabilities.max_batch`. It is not kept: the caller may reuse its memory.

        Returns:
            The model's outputs in its own order, each with N first.

        Raises:
            SightlineError: The model cannot run this batch.
        """
        ...

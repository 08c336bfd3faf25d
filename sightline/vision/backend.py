"""The one protocol behind which models run."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

Arrays = tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class Capabilities:
    """What a back end can do.

    Attributes:
        max_batch: The most pictures that one call takes, or None if there is no limit.
    """

    max_batch: int | None = None


@dataclass(frozen=True)
class Signature:
    """A network's input and outputs, as far as a back end must know them.

    Attributes:
        input_name: The input tensor's name.
        input_shape: One picture's: (C, H, W) or (H, W, C).
        input_dtype: The input's type.
        output_names: The outputs to give, in this order.
        batch: The batch size that the network is fixed to, or None if any is taken.
    """

    input_name: str
    input_shape: tuple[int, int, int]
    input_dtype: Literal["float32", "float16"]
    output_names: tuple[str, ...]
    batch: int | None = None


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

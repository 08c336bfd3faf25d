"""Convolutions that change nothing and take time: a detector of a known cost, for benchmarks."""

from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

CHANNELS: Final = 64
SIDE: Final = 3


class Graph(Protocol):
    """Collects nodes and constants."""

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node; returns its output's name."""
        ...

    def constant(self, name: str, value: NDArray[Any] | float) -> str:
        """Add a constant; returns its name."""
        ...


def add_weight(graph: Graph, scores: str, layers: int) -> str:
    """Run `layers` convolutions of 64 to 64 channels at a quarter of the size, and add next to nothing.

    At 320x192 each layer is 2 * 64 * 64 * 9 * 80 * 48 = 0.28 GFLOP. The result is scaled so small that adding
    it changes no score above 1e-12, which no optimiser can know.

    Returns:
        The name of the unchanged scores.
    """
    random = np.random.default_rng(0)
    source, channels = "images", 3
    for number in range(layers + 2):
        weights = random.normal(0, (2 / (channels * SIDE * SIDE)) ** 0.5, (CHANNELS, channels, SIDE, SIDE))
        name = f"heavy_{number}"
        step = 2 if number < 2 else 1
        graph.node(
            "Conv",
            [source, graph.constant(f"{name}_weights", weights)],
            name,
            kernel_shape=[SIDE, SIDE],
            pads=[1, 1, 1, 1],
            strides=[step, step],
        )
        source, channels = graph.node("Relu", [name], f"{name}_relu"), CHANNELS
    graph.node("GlobalAveragePool", [source], "heavy_mean")
    graph.node("ReduceMean", ["heavy_mean"], "heavy_one", axes=[1], keepdims=1)
    graph.node("Mul", ["heavy_one", graph.constant("heavy_scale", 1e-20)], "heavy_nothing")
    return graph.node("Add", [scores, "heavy_nothing"], "heavy_scores")

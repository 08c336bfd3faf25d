"""The appearance network: a small residual network with one head for who it is and one for what it is."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import normalize

from triton_repo.training.layers import Residual, Tensor, conv


@dataclass(frozen=True)
class AppearanceShape:
    """How wide the network is: channels at 1/2, 1/4, 1/8 and 1/16 of the crop's size."""

    channels: tuple[int, int, int, int] = (16, 32, 64, 112)


class AppearanceNetwork(nn.Module):
    """Crops to embeddings and attribute logits.

    What is left of a crop at the end is averaged row by row, not as a whole: what is where from top to bottom
    (head, clothes, legs; roof, windows, wheels) tells individuals apart, and stays when an object turns round
    (after PCB, Sun et al., ECCV 2018).
    """

    def __init__(
        self, embedding_width: int, attributes: int, height: int = 64, shape: AppearanceShape | None = None
    ) -> None:
        super().__init__()
        c1, c2, c3, c4 = (shape or AppearanceShape()).channels
        self.body = nn.Sequential(
            conv(3, c1, 3, 2),
            Residual(c1, c1),
            Residual(c1, c2, 2),
            Residual(c2, c2),
            Residual(c2, c3, 2),
            Residual(c3, c3),
            Residual(c3, c4, 2),
            Residual(c4, c4),
        )
        features = c4 * (height // 16)
        self.embedding = nn.Linear(features, embedding_width)
        self.attributes = nn.Linear(features, attributes)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Run the network.

        Args:
            crops: float (B, 3, H, W), RGB, 0..1.

        Returns:
            Embeddings (B, D), of length 1; and attribute logits (B, C).
        """
        rows = self.body(crops).mean(3).flatten(1).float()
        return normalize(self.embedding(rows)), self.attributes(rows)


class AppearanceOutput(nn.Module):
    """The network with probabilities in place of logits, for export."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Float (B, 3, H, W), RGB, 0..1, to embeddings (B, D) of length 1 and probabilities (B, C)."""
        embeddings, logits = self.network(crops)
        return embeddings, torch.softmax(logits, 1)

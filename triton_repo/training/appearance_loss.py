"""The appearance network's losses, and how its crops are varied."""

from typing import Final

import torch
from torch.nn.functional import cross_entropy

from triton_repo.training.layers import Tensor

TEMPERATURE: Final = 0.1
SMOOTHING: Final = 0.05


def contrastive_loss(embeddings: Tensor, ids: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Pull views of one object together and push others away: supervised contrastive loss.

    The form with the mean outside of the logarithm (Khosla et al., NeurIPS 2020, equation 2). The low
    temperature lets the most similar others count most, which are the look-alikes in the batch.

    Args:
        embeddings: (B, D), of length 1.
        ids: int64 (B,).
        temperature: Cosines are divided by this.

    Returns:
        A scalar, the mean over rows that have a partner; 0 if none has.
    """
    itself = torch.eye(len(ids), dtype=torch.bool, device=ids.device)
    partners = (ids[:, None] == ids) & ~itself
    cosines = (embeddings @ embeddings.T / temperature).masked_fill(itself, -torch.inf)
    log_shares = cosines - cosines.logsumexp(1, keepdim=True)
    count = partners.sum(1)
    per_row = -log_shares.masked_fill(~partners, 0.0).sum(1) / count.clamp(min=1)
    return per_row.sum() / (count > 0).sum().clamp(min=1)


def attribute_loss(logits: Tensor, attributes: Tensor) -> Tensor:
    """Cross-entropy with smoothed labels; (B, C) and int64 (B,) to a scalar."""
    return cross_entropy(logits, attributes, label_smoothing=SMOOTHING)


def vary(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror, light, tint and cover crops, each in its own way.

    Args:
        crops: float (B, 3, H, W), 0..1.
        generator: Where the dice are.

    Returns:
        A new tensor of the same shape, 0..1.
    """
    count, _, height, width = crops.shape

    def dice(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator).to(crops.device)

    mirrored = torch.where(dice(count, 1, 1, 1) < 0.5, crops.flip(3), crops)
    gain = (0.75 + 0.5 * dice(count, 1, 1, 1)) * (0.95 + 0.1 * dice(count, 3, 1, 1))
    lit = mirrored * gain + 0.12 * (dice(count, 1, 1, 1) - 0.5)
    # A part of another crop of the batch covers some: what stands in front of an object is mostly another.
    covered = _rectangles(dice(count, 4), height, width) & (dice(count, 1, 1) < 0.35)
    others = lit[torch.randperm(count, generator=generator).to(crops.device)]
    return torch.where(covered[:, None], others, lit).clamp(0, 1)


def _rectangles(dice: Tensor, height: int, width: int) -> Tensor:
    """Bool (B, H, W): a rectangle each of 10 to 45 percent of either side, made from dice (B, 4) in 0..1."""
    sizes = 0.1 + 0.35 * dice[:, 2:]
    starts = dice[:, :2] * (1 - sizes)
    y = (torch.arange(height, device=dice.device) + 0.5) / height
    x = (torch.arange(width, device=dice.device) + 0.5) / width
    rows = (y >= starts[:, :1]) & (y < starts[:, :1] + sizes[:, :1])
    columns = (x >= starts[:, 1:]) & (x < starts[:, 1:] + sizes[:, 1:])
    return rows[:, :, None] & columns[:, None, :]

"""The detector's network: a small anchor-free YOLO with strides 8, 16 and 32, made for CPUs."""

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn
from torch.nn.functional import interpolate

from triton_repo.training.layers import CrossStage, Tensor, conv

STRIDES_PX: Final = (8, 16, 32)

_FIRST_SCORE: Final = 0.01
"""The score of everything at the start: nearly all anchors are background (Lin et al., ICCV 2017)."""

_MAX_LOG_DISTANCE: Final = 6.0
"""A side is at most exp(6) = 403 strides from its anchor; more would only overflow."""


@dataclass(frozen=True)
class DetectorShape:
    """How wide and deep the network is.

    Attributes:
        channels: Of the five stages, at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input's size.
        depths: Bottlenecks in the last four of them.
        neck: Channels where the scales are mixed, and of the heads.
    """

    channels: tuple[int, int, int, int, int] = (16, 32, 64, 80, 96)
    depths: tuple[int, int, int, int] = (1, 2, 2, 1)
    neck: int = 64


class DetectorNetwork(nn.Module):
    """Pictures to raw outputs of every anchor.

    The scales are mixed down and up again (PANet, Liu et al., CVPR 2018) by addition, and each has a branch
    for boxes and one for classes. All convolutions are dense: depthwise ones save multiplications, but
    no time where a CPU has to train them.
    """

    def __init__(self, classes: int, shape: DetectorShape | None = None) -> None:
        super().__init__()
        shape = shape or DetectorShape()
        c1, c2, c3, c4, c5 = shape.channels
        n2, n3, n4, n5 = shape.depths
        neck = shape.neck
        self.classes = classes
        self.stem = conv(3, c1, 3, 2)
        self.stage2 = nn.Sequential(conv(c1, c2, 3, 2), CrossStage(c2, n2))
        self.stage3 = nn.Sequential(conv(c2, c3, 3, 2), CrossStage(c3, n3))
        self.stage4 = nn.Sequential(conv(c3, c4, 3, 2), CrossStage(c4, n4))
        self.stage5 = nn.Sequential(conv(c4, c5, 3, 2), CrossStage(c5, n5))
        self.lateral = nn.ModuleList(conv(c, neck, 1) for c in (c3, c4, c5))
        self.down = nn.ModuleList(CrossStage(neck, 1) for _ in range(2))
        self.shrink = nn.ModuleList(conv(neck, neck, 3, 2) for _ in range(2))
        self.up = nn.ModuleList(CrossStage(neck, 1) for _ in range(2))
        self.boxes = nn.ModuleList(_branch(neck, 4) for _ in STRIDES_PX)
        self.scores = nn.ModuleList(_branch(neck, classes) for _ in STRIDES_PX)
        for branch in self.scores:
            nn.init.constant_(branch[-1].bias, math.log(_FIRST_SCORE / (1 - _FIRST_SCORE)))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Run the network.

        Args:
            images: float (B, 3, H, W), RGB, 0..1; H and W are multiples of 32.

        Returns:
            Log distances (B, 4, A): from the anchor to left, top, right, bottom, in strides, before exp; and
            class logits (B, C, A). The anchors are those of `anchors(H, W)`.
        """
        c3 = self.stage3(self.stage2(self.stem(images)))
        c4 = self.stage4(c3)
        p3, p4, p5 = (lateral(c) for lateral, c in zip(self.lateral, (c3, c4, self.stage5(c4)), strict=True))
        p4 = self.down[0](p4 + interpolate(p5, scale_factor=2.0, mode="nearest"))
        p3 = self.down[1](p3 + interpolate(p4, scale_factor=2.0, mode="nearest"))
        p4 = self.up[0](p4 + self.shrink[0](p3))
        p5 = self.up[1](p5 + self.shrink[1](p4))
        levels = (p3, p4, p5)
        distances = [branch(p).flatten(2) for branch, p in zip(self.boxes, levels, strict=True)]
        logits = [branch(p).flatten(2) for branch, p in zip(self.scores, levels, strict=True)]
        return torch.cat(distances, 2), torch.cat(logits, 2)


def _branch(channels: int, outputs: int) -> nn.Sequential:
    half = channels // 2
    return nn.Sequential(conv(channels, half), nn.Conv2d(half, outputs, 1))


def anchors(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Where the anchors are: float (A, 2), x y of the cells' centres in input pixels; and strides (A,)."""
    points, strides = [], []
    for stride in STRIDES_PX:
        y, x = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        points.append((torch.stack((x, y), -1).reshape(-1, 2) + 0.5) * stride)
        strides.append(torch.full((len(points[-1]),), float(stride)))
    return torch.cat(points), torch.cat(strides)


def corners(distances: Tensor, points: Tensor, strides: Tensor) -> Tensor:
    """Decode log distances.

    Args:
        distances: (B, 4, A), as the network gives them.
        points: (A, 2), see `anchors`.
        strides: (A,).

    Returns:
        Boxes (B, A, 4), x1 y1 x2 y2 in input pixels.
    """
    sides = distances.clamp(max=_MAX_LOG_DISTANCE).exp().transpose(1, 2) * strides[:, None]
    return torch.cat((points - sides[..., :2], points + sides[..., 2:]), -1)


class YoloV8Output(nn.Module):
    """The network with the output that YOLOv8 has, for export.

    `output0` (B, 4 + C, A): centre x, centre y, width, height in input pixels, then scores 0..1.
    """

    def __init__(self, network: nn.Module, height: int, width: int) -> None:
        super().__init__()
        self.network = network
        points, strides = anchors(height, width)
        self.register_buffer("points", points.T.contiguous())
        self.register_buffer("strides", strides)

    def forward(self, images: Tensor) -> Tensor:
        """Float (B, 3, H, W), RGB, 0..1, to the output."""
        distances, logits = self.network(images)
        sides = distances.clamp(max=_MAX_LOG_DISTANCE).exp() * self.strides
        before, after = sides[:, :2], sides[:, 2:]
        return torch.cat((self.points + (after - before) / 2, before + after, logits.sigmoid()), 1)

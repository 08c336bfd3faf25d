"""Building blocks of both networks: plain convolutions with ReLU, which CPUs and GPUs run fast."""

from typing import Any

import torch
from torch import nn

Tensor = Any


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    return nn.Sequential(*_conv_and_norm(inputs, outputs, kernel, stride), nn.ReLU(inplace=True))


def linear_conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution and batch normalisation, without a ReLU: what a residual adds."""
    return nn.Sequential(*_conv_and_norm(inputs, outputs, kernel, stride))


def _conv_and_norm(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outputs)]


class Bottleneck(nn.Module):
    """Two 3x3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv(channels, channels)
        self.second = conv(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return x + self.second(self.first(x))


class CrossStage(nn.Module):
    """Half of the channels run through bottlenecks, and every step's result is kept and mixed at the end.

    After CSPNet (Wang et al., CVPRW 2020) and ELAN (Wang et al., 2022), in the form that YOLOv8 made common.
    """

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        half = channels // 2
        self.split = conv(channels, channels, 1)
        self.steps = nn.ModuleList(Bottleneck(half) for _ in range(depth))
        self.mix = conv(channels + half * depth, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        kept = list(self.split(x).chunk(2, 1))
        for step in self.steps:
            kept.append(step(kept[-1]))
        return self.mix(torch.cat(kept, 1))


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity, or beside a projection where the shape changes.

    The basic block of ResNet (He et al., CVPR 2016).
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = conv(inputs, outputs, stride=stride)
        self.second = linear_conv(outputs, outputs)
        same = inputs == outputs and stride == 1
        self.beside = nn.Identity() if same else linear_conv(inputs, outputs, 1, stride)
        self.end = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        return self.end(self.beside(x) + self.second(self.first(x)))

"""How weights are moved: AdamW, a learning rate that warms up and falls like a cosine, and a moving mean."""

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from triton_repo.training.layers import Tensor


@dataclass(frozen=True)
class Schedule:
    """The course of a training run.

    Attributes:
        steps: Its length.
        peak_rate: The highest learning rate.
        warm_up_steps: Steps until it is reached, from 0.
        last_share: The learning rate at the end, as a share of the highest.
        weight_decay: Of weights with two dimensions or more; biases and norms are left alone.
        mean_decay: Of the moving mean of the weights, which is what is used in the end.
        clip_norm: The longest gradient that is followed as it is.
    """

    steps: int
    peak_rate: float = 2e-3
    warm_up_steps: int = 200
    last_share: float = 0.01
    weight_decay: float = 0.02
    mean_decay: float = 0.998
    clip_norm: float = 10.0

    def rate(self, step: int) -> float:
        """The learning rate at a step, as a share of the highest."""
        if step < self.warm_up_steps:
            return (step + 1) / self.warm_up_steps
        done = (step - self.warm_up_steps) / max(1, self.steps - self.warm_up_steps)
        return self.last_share + (1 - self.last_share) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


class Optimisation:
    """Moves a network's weights, and keeps their moving mean in `mean`."""

    def __init__(self, network: nn.Module, schedule: Schedule) -> None:
        self._network = network
        self._schedule = schedule
        self._step = 0
        weights = [p for p in network.parameters() if p.ndim > 1]
        others = [p for p in network.parameters() if p.ndim <= 1]
        groups = [
            {"params": weights, "weight_decay": schedule.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        self._adam = torch.optim.AdamW(groups, lr=schedule.peak_rate)
        self._rates = torch.optim.lr_scheduler.LambdaLR(self._adam, schedule.rate)
        self.mean = copy.deepcopy(network).eval()

    def step(self, loss: Tensor) -> None:
        """Follow the gradient of a loss once."""
        self._adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), self._schedule.clip_norm)
        self._adam.step()
        self._rates.step()
        self._step += 1
        self._update_mean()

    @torch.no_grad()
    def _update_mean(self) -> None:
        # The mean of a young network is that of its last few steps.
        decay = min(self._schedule.mean_decay, (1 + self._step) / (10 + self._step))
        current = self._network.state_dict()
        floats: list[Any] = []
        news: list[Any] = []
        for name, value in self.mean.state_dict().items():
            if value.dtype.is_floating_point:
                floats.append(value)
                news.append(current[name])
            else:
                value.copy_(current[name])
        torch._foreach_lerp_(floats, news, 1 - decay)

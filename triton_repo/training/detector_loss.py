"""The detector's loss: which anchor is to find what, and how far off it is.

Anchors are chosen by how well they do already in class and place together, and are taught to score as well as
they fit: task-aligned assignment and loss (TOOD, Feng et al., ICCV 2021). Boxes are pulled by complete IoU
(Zheng et al., AAAI 2020).
"""

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from triton_repo.training.detector_network import corners
from triton_repo.training.layers import Tensor

_EPS: Final = 1e-7


@dataclass(frozen=True)
class Targets:
    """The objects of B pictures, filled up to M each.

    Attributes:
        boxes: float (B, M, 4), x1 y1 x2 y2 in input pixels.
        classes: int64 (B, M).
        there: bool (B, M): an object that must be found.
        ignored: bool (B, M): an object that may be found or not.
    """

    boxes: Tensor
    classes: Tensor
    there: Tensor
    ignored: Tensor


@dataclass(frozen=True)
class Assignment:
    """What each of A anchors is to find.

    Attributes:
        objects: int64 (B, A), an index into the targets; of no meaning where `weights` is 0.
        weights: float (B, A), the score that the anchor is to give, 0 for background.
        counted: bool (B, A), false where an ignored object is and nothing else.
    """

    objects: Tensor
    weights: Tensor
    counted: Tensor


@dataclass(frozen=True)
class LossWeights:
    """How the parts add up, and how anchors are chosen.

    Attributes:
        boxes: Weight of the boxes' part; that of the classes is 1.
        candidates: Anchors that each object takes at most.
        score_power: How much the score counts when anchors are chosen.
        iou_power: How much the fit counts.
    """

    boxes: float = 5.0
    candidates: int = 10
    score_power: float = 1.0
    iou_power: float = 5.0


def detector_loss(
    distances: Tensor,
    logits: Tensor,
    targets: Targets,
    points: Tensor,
    strides: Tensor,
    weights: LossWeights,
) -> tuple[Tensor, Tensor]:
    """The loss of a batch.

    Args:
        distances: (B, 4, A) and
        logits: (B, C, A), as the network gives them.
        targets: What is to be found.
        points: (A, 2) and
        strides: (A,), see `anchors`.
        weights: How the parts add up.

    Returns:
        The parts of boxes and classes, weighted, each a scalar.
    """
    boxes = corners(distances.float(), points, strides)
    logits = logits.float().transpose(1, 2)
    with torch.no_grad():
        chosen = assign(boxes, logits.sigmoid(), targets, points, strides, weights)
    total = chosen.weights.sum().clamp(min=1.0)
    wanted = torch.zeros_like(logits)
    classes = targets.classes.gather(1, chosen.objects)
    wanted.scatter_(2, classes[..., None], chosen.weights[..., None])
    errors = binary_cross_entropy_with_logits(logits, wanted, reduction="none").sum(-1)
    class_loss = (errors * chosen.counted).sum() / total
    found = chosen.weights > 0
    aims = targets.boxes.gather(1, chosen.objects[..., None].expand(-1, -1, 4))[found]
    box_errors = 1 - complete_iou(boxes[found], aims)
    box_loss = (box_errors * chosen.weights[found]).sum() / total
    return weights.boxes * box_loss, class_loss


def assign(
    boxes: Tensor,
    scores: Tensor,
    targets: Targets,
    points: Tensor,
    strides: Tensor,
    weights: LossWeights,
) -> Assignment:
    """Choose anchors for objects by `score ** score_power * IoU ** iou_power`, the best `candidates` each.

    An anchor is a candidate if it lies in the object, where an object is taken to be at least two strides
    wide and high. An anchor that several objects want goes to the one that it fits best. The best anchor of
    an object is to score the object's best IoU, the others less in proportion.

    Args:
        boxes: (B, A, 4), what the network says, x1 y1 x2 y2 in input pixels.
        scores: (B, A, C), 0..1.
        targets: What is to be found.
        points: (A, 2).
        strides: (A,).
        weights: The powers and `candidates`.
    """
    overlap = iou(targets.boxes[:, :, None], boxes[:, None]).clamp(min=0)
    class_scores = scores.transpose(1, 2).gather(1, targets.classes[..., None].expand(-1, -1, boxes.shape[1]))
    inside = _inside(targets.boxes, points, strides)
    wanted = inside & targets.there[..., None]
    metric = class_scores**weights.score_power * overlap**weights.iou_power
    metric = torch.where(wanted, metric, torch.full_like(metric, -1.0))
    best = metric.topk(min(weights.candidates, metric.shape[-1]), -1)
    taken = torch.zeros_like(wanted).scatter_(2, best.indices, best.values > 0)
    fits = torch.where(taken, overlap, torch.full_like(overlap, -1.0))
    objects = fits.argmax(1)
    mine = taken & torch.zeros_like(taken).scatter_(1, objects[:, None], value=True)
    metric = metric.clamp(min=0) * mine
    scale = (overlap * mine).amax(-1, keepdim=True) / metric.amax(-1, keepdim=True).clamp(min=1e-12)
    aims = (metric * scale).amax(1)
    ignored = (inside & targets.ignored[..., None]).any(1)
    return Assignment(objects, aims, ~ignored | (aims > 0))


def _inside(boxes: Tensor, points: Tensor, strides: Tensor) -> Tensor:
    """Bool (B, M, A): is the anchor in the box, if that were at least two strides wide and high?"""
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    halves = (boxes[..., 2:] - boxes[..., :2]) / 2
    reach = torch.maximum(halves[:, :, None], strides[:, None])
    return ((points - centres[:, :, None]).abs() < reach).all(-1)


def iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes (…, 4), x1 y1 x2 y2; 0 for boxes without an area."""
    size = torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2])
    common = size.clamp(min=0).prod(-1)
    return common / (_area(first) + _area(second) - common + _EPS)


def complete_iou(first: Tensor, second: Tensor) -> Tensor:
    """IoU, less what the boxes' centres are apart, less how their shapes differ; (N, 4) each, gives (N,)."""
    overlap = iou(first, second)
    around = torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])
    apart = (first[:, :2] + first[:, 2:] - second[:, :2] - second[:, 2:]) / 2
    distance = apart.square().sum(-1) / (around.square().sum(-1) + _EPS)
    shape = (4 / math.pi**2) * (_angle(first) - _angle(second)).square()
    with torch.no_grad():
        share = shape / (1 - overlap + shape + _EPS)
    return overlap - distance - share * shape


def _angle(boxes: Tensor) -> Tensor:
    size = (boxes[:, 2:] - boxes[:, :2]).clamp(min=_EPS)
    return torch.atan(size[:, 0] / size[:, 1])


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)

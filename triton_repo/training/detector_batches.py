"""Batches for the detector: pictures and what is to be found in them, drawn by a thread of their own."""

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.vision.heads import InputSize
from triton_repo.training.augment import (
    Variety,
    clip_boxes,
    draw_placement,
    is_ignored,
    relight,
)
from triton_repo.training.dataset import Dataset


@dataclass(frozen=True)
class Batch:
    """B pictures with M places for objects each.

    Attributes:
        images: uint8 (B, H, W, 3), BGR.
        boxes: float32 (B, M, 4), x1 y1 x2 y2 in input pixels.
        classes: int64 (B, M).
        there: bool (B, M), an object that must be found.
        ignored: bool (B, M), an object that may be found or not.
    """

    images: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    there: NDArray[np.bool_]
    ignored: NDArray[np.bool_]


@dataclass(frozen=True)
class BatchPlan:
    """What the batches of a training run are.

    Attributes:
        size: The input's size in pixels.
        batch: Pictures in each.
        steps: How many there are.
        seed: The same one gives the same batches.
        variety: How much pictures are varied.
        plain_steps: The last steps, with pictures only mirrored, as they are when the model is used.
    """

    size: InputSize
    batch: int
    steps: int
    seed: int
    variety: Variety
    plain_steps: int = 0


def make_batch(dataset: Dataset, pictures: NDArray[np.int64], plan: BatchPlan, step: int) -> Batch:
    """Make the batch of one step; it depends on the plan's seed and the step only."""
    rng = np.random.Generator(np.random.PCG64([plan.seed, step]))
    plain = step >= plan.steps - plan.plain_steps
    parts = [_vary(dataset, int(picture), plan, rng, plain) for picture in pictures]
    most = max(1, max(len(boxes) for _, boxes, _, _ in parts))
    count = len(parts)
    batch = Batch(
        np.stack([image for image, _, _, _ in parts]),
        np.zeros((count, most, 4), np.float32),
        np.zeros((count, most), np.int64),
        np.zeros((count, most), np.bool_),
        np.zeros((count, most), np.bool_),
    )
    for row, (_, boxes, classes, ignored) in enumerate(parts):
        objects = len(boxes)
        batch.boxes[row, :objects] = boxes
        batch.classes[row, :objects] = classes
        batch.ignored[row, :objects] = ignored
        batch.there[row, :objects] = ~ignored
    return batch


def _vary(
    dataset: Dataset, picture: int, plan: BatchPlan, rng: np.random.Generator, plain: bool
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    image = dataset.image(picture)
    truth, objects = dataset.truth, dataset.truth.of(picture)
    variety = plan.variety if not plain else Variety(as_is=1.0)
    placement = draw_placement(image.shape[1], image.shape[0], plan.size, variety, rng)
    placed = placement.place(image if plain else relight(image, variety, rng))
    boxes, share = clip_boxes(placement.move(truth.boxes[objects]), plan.size)
    visibility = truth.visibility[objects] * share
    there = share > 0
    ignored = is_ignored(truth.boxes[objects], visibility)
    return placed, boxes[there], truth.classes[objects][there], ignored[there]


def order_of_pictures(count: int, plan: BatchPlan) -> NDArray[np.int64]:
    """Which pictures each step takes, int64 (steps, batch): all of them once before any comes again."""
    rng = np.random.Generator(np.random.PCG64([plan.seed, 0xBA7C4]))
    rounds = -(-plan.steps * plan.batch // count)
    order = np.concatenate([rng.permutation(count) for _ in range(rounds)])
    return order[: plan.steps * plan.batch].reshape(plan.steps, plan.batch).astype(np.int64)


def batches(dataset: Dataset, plan: BatchPlan, ahead: int = 4) -> Iterator[Batch]:
    """Make all batches in order, some steps ahead of their use."""
    order = order_of_pictures(len(dataset), plan)
    ready: queue.Queue[Batch | BaseException] = queue.Queue(ahead)
    stop = threading.Event()

    def put(item: Batch | BaseException) -> None:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.2)
                return
            except queue.Full:
                continue

    def make() -> None:
        try:
            for step, pictures in enumerate(order):
                if stop.is_set():
                    return
                put(make_batch(dataset, pictures, plan, step))
        except BaseException as error:
            put(error)

    worker = threading.Thread(target=make, name="batches", daemon=True)
    worker.start()
    try:
        for _ in range(plan.steps):
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        worker.join()

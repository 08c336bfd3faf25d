"""Detections for tests: single boxes, and random scenes of moving objects."""

import numpy as np

from schemas.detections import Detections

FRAME_NS = 33_333_333


def frame(
    seq: int,
    boxes: object,
    scores: object = None,
    classes: object = None,
    *,
    epoch: int = 0,
    at_ns: int | None = None,
    **more: object,
) -> Detections:
    """One message; scores are 0.9 and classes 0 unless given."""
    box = np.array(boxes, np.float32).reshape(-1, 4)
    score = np.full(len(box), 0.9, np.float32) if scores is None else np.array(scores, np.float32)
    kind = np.zeros(len(box), np.uint16) if classes is None else np.array(classes, np.uint16)
    fields: dict[str, object] = {
        "stream_id": "cam",
        "epoch": epoch,
        "seq": seq,
        "captured_at_ns": seq * FRAME_NS if at_ns is None else at_ns,
        "trace": (("capture", 5),),
        "width": 1920,
        "height": 1080,
        "boxes": box,
        "scores": score,
        "class_ids": kind,
        "labels": "test",
        "names": {0: "person", 1: "car", 2: "truck"},
    }
    return Detections(**(fields | more))  # type: ignore[arg-type]  # a test's keywords


def scene(
    seed: int, frames: int = 30, objects: int = 6, dim: int = 0, classifier: bool = False
) -> list[Detections]:
    """Objects that cross a 1920x1080 picture, with noise, misses, false boxes and changing classes."""
    rng = np.random.default_rng(seed)
    place, speed = rng.uniform(200, 900, (objects, 2)), rng.normal(0, 6, (objects, 2))
    side = rng.uniform(30, 120, objects)
    looks = rng.normal(size=(objects, dim))
    out = []
    for seq in range(frames):
        place = place + speed
        seen = np.flatnonzero(rng.random(objects) < 0.85)
        centre = place[seen] + rng.normal(0, 0.02, (len(seen), 2)) * side[seen, None]
        half = np.stack([side[seen] * 0.4, side[seen]], 1) / 2
        false = rng.uniform(0, 1000, (rng.poisson(0.5), 2))
        boxes = np.r_[np.c_[centre - half, centre + half], np.c_[false, false + 50]]
        count = len(boxes)
        more: dict[str, object] = {}
        if dim:
            look = np.r_[looks[seen], rng.normal(size=(len(false), dim))] + rng.normal(0, 0.2, (count, dim))
            more["embeddings"] = (look / np.linalg.norm(look, axis=1, keepdims=True)).astype(np.float16)
        if classifier:
            share = rng.dirichlet((3, 1, 1), count).astype(np.float32)
            more |= {"probabilities": np.minimum(share, 1), "attributes": ("red", "green", "blue")}
        out.append(frame(seq, boxes, rng.uniform(0.1, 1, count), rng.integers(0, 3, count), **more))
    return out

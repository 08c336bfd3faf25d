"""What a gateway that detects publishes of its detector's and appearance network's answers."""

from collections.abc import Sequence

import numpy as np

from producers.encoding import Grabbed, detection_encoder
from producers.sources import Image
from schemas.detections import Detections
from sightline.vision.appearance import AppearanceSpec
from sightline.vision.detector import Detected
from sightline.vision.heads import Head
from sightline.vision.model import MEGVII, ModelSpec

GRABBED = Grabbed("dock", 2, 5, 1_000, 2_000, np.zeros((48, 64, 3), np.uint8))


class Finds:
    spec = ModelSpec(Head.YOLOX, 32, 32, "images", "output", ("thing", "other"), MEGVII)

    def __init__(self, found: Detected, appearance: AppearanceSpec | None) -> None:
        self._found = found
        self.appearance = appearance

    def detect(self, images: Sequence[Image]) -> list[Detected]:
        return [self._found for _ in images]


def found(**looks: np.ndarray) -> Detected:
    boxes = np.array([[1, 2, 30, 40], [5, 5, 9, 9]], np.float32)
    return Detected(boxes, np.array([0.9, 0.2], np.float32), np.array([1, 0], np.uint16), **looks)


def published(detector: Finds) -> Detections:
    return Detections.from_bytes(detection_encoder(detector, lambda: 3_000)(GRABBED))


def test_embeddings_and_probabilities_are_published_with_the_attributes() -> None:
    looks = np.array([[1, -2, 3], [0, 0, 0]], np.float16)
    told = np.array([[0.25, 0.75], [0, 0]], np.float32)
    spec = AppearanceSpec(("red", "blue"), embedding_width=3)
    made = published(Finds(found(embeddings=looks, probabilities=told), spec))
    assert made.embeddings is not None
    assert made.probabilities is not None
    assert made.embeddings.tolist() == looks.tolist()
    assert made.probabilities.tolist() == told.tolist()
    assert made.attributes == ("red", "blue")
    assert made.names == {0: "thing", 1: "other"}


def test_without_an_appearance_network_there_are_none() -> None:
    made = published(Finds(found(), None))
    assert (made.embeddings, made.probabilities, made.attributes) == (None, None, ())
    assert made.scores.tolist() == np.array([0.9, 0.2], np.float32).tolist()

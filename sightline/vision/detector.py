"""A detector: pictures in, boxes in source pixels out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.vision.backend import Backend
from sightline.vision.heads import Candidates, decode
from sightline.vision.letterbox import Letterbox
from sightline.vision.model import ModelSpec
from sightline.vision.nms import nms
from sightline.vision.preprocess import Preprocessor

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Detected:
    """What was found in one picture, best score first.

    Attributes:
        boxes: float32 (N, 4), x1 y1 x2 y2 in pixels of the source picture, inside it, with an area.
        scores: float32 (N,), from the score threshold to 1.
        class_ids: uint16 (N,), indices into the spec's labels.
        embeddings: float16 (N, D), or None if no appearance network ran. A row of zeros: none for this one.
        probabilities: float32 (N, C) in 0..1, or None as above. A row of zeros: none for this one.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.uint16]
    embeddings: NDArray[np.float16] | None = None
    probabilities: NDArray[np.float32] | None = None


class Detector:
    """Letterbox, model, decoder and NMS in a row. For one thread at a time."""

    def __init__(
        self,
        spec: ModelSpec,
        backend: Backend,
        score_threshold: float = 0.1,
        nms_iou: float = 0.7,
        max_detections: int = 300,
    ) -> None:
        """Put a detector together.

        Args:
            spec: What the model is.
            backend: Runs the model.
            score_threshold: Detections with a score of at least this are given, 0..1.
            nms_iou: Of two boxes of one class that overlap more than this, the better one stays, 0..1.
            max_detections: The most detections per picture.
        """
        self.spec = spec
        self._form = spec.form
        self._backend = backend
        self._score_threshold = score_threshold
        self._nms_iou = nms_iou
        self._max_detections = max_detections
        self._preprocess = Preprocessor(spec)

    def detect(self, images: Sequence[Image]) -> list[Detected]:
        """Find objects in pictures.

        Args:
            images: Any number of pictures of any sizes, uint8 (height, width, 3), BGR.

        Returns:
            One result per picture, in the same order.

        Raises:
            ValueError: A picture has another shape or dtype, or the model's output does not fit its head.
            SightlineError: The model cannot run.
        """
        found: list[Detected] = []
        for part in self._parts(images):
            batch, letterboxes = self._preprocess(part)
            output = self._backend.infer(batch)[0]
            found += [self._read(*pair) for pair in zip(output, letterboxes, strict=True)]
        return found

    def _parts(self, images: Sequence[Image]) -> Iterator[Sequence[Image]]:
        size = self._backend.capabilities.max_batch or max(len(images), 1)
        for start in range(0, len(images), size):
            yield images[start : start + size]

    def _read(self, output: NDArray[Any], letterbox: Letterbox) -> Detected:
        spec = self.spec
        raw = output.astype(np.float32, copy=False)
        candidates = decode(spec.head, raw, spec.size, len(spec.labels), self._score_threshold, self._form)
        return self._select(candidates, letterbox)

    def _select(self, candidates: Candidates, letterbox: Letterbox) -> Detected:
        kept = nms(
            candidates.boxes, candidates.scores, candidates.class_ids, self._nms_iou, self._max_detections
        )
        boxes = letterbox.to_source(candidates.boxes[kept])
        visible = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        kept = kept[visible]
        return Detected(boxes[visible], candidates.scores[kept], candidates.class_ids[kept].astype(np.uint16))

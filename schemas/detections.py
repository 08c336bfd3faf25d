"""`sightline.detections.v1`: all detections of one frame; a frame without any is a message too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.wire import MAX_EMBEDDING, DecodeError, Reader, StreamMessage, array_bytes, pack


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections(StreamMessage):
    """The N detections of one frame.

    Attributes:
        width: Width of the source frame in pixels.
        height: Height of the source frame in pixels.
        boxes: float32 (N, 4): x1, y1, x2, y2 in pixels of the source frame.
        scores: float32 (N,) in 0..1.
        class_ids: uint16 (N,): the model's classes.
        labels: Version of the label set that the class ids belong to, such as "coco".
        names: Name of each class id that occurs in `class_ids` (others may be in it too).
        embeddings: float16 (N, D) appearance vectors, or None. A row of zeros means that this
            detection has none.
        probabilities: float32 (N, C) in 0..1: class probabilities of the classifier, or None.
        attributes: The C names of the columns of `probabilities`.
    """

    width: int
    height: int
    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.uint16]
    labels: str
    names: Mapping[int, str]
    embeddings: npt.NDArray[np.float16] | None = None
    probabilities: npt.NDArray[np.float32] | None = None
    attributes: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Pack the message."""
        own: dict[str, Any] = {
            "width": self.width,
            "height": self.height,
            "boxes": array_bytes(self.boxes, "<f4"),
            "scores": array_bytes(self.scores, "<f4"),
            "class_ids": array_bytes(self.class_ids, "<u2"),
            "labels": self.labels,
            "names": sorted(self.names.items()),
        }
        if self.embeddings is not None:
            own["embeddings"] = array_bytes(self.embeddings, "<f2")
        if self.probabilities is not None:
            own["probabilities"] = array_bytes(self.probabilities, "<f4")
            own["attributes"] = self.attributes
        return pack(self.identity_fields() | own)

    @classmethod
    def from_bytes(cls, data: bytes | None) -> "Detections":
        """Unpack and check; raises `DecodeError`. The arrays are read-only views of the message."""
        reader = Reader(data)
        width, height = reader.size_px()
        boxes = reader.boxes()
        count = len(boxes)
        class_ids = reader.array("class_ids", "<u2", count)
        names = reader.named_ids("names")
        for class_id in set(class_ids.tolist()) - names.keys():
            raise DecodeError("names", f"class id {class_id} has no name")
        return cls(
            **reader.identity(),
            width=width,
            height=height,
            boxes=boxes,
            scores=reader.unit_floats("scores", "<f4", count),
            class_ids=class_ids,
            labels=reader.text("labels"),
            names=names,
            **_appearance(reader, count),
        )


def _appearance(reader: Reader, count: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if reader.has("embeddings"):
        found["embeddings"] = reader.rows("embeddings", "<f2", count, MAX_EMBEDDING)
    if reader.has("probabilities"):
        attributes = reader.names("attributes")
        if not attributes:
            raise DecodeError("attributes", "names no column, where there are probabilities")
        flat = reader.unit_floats("probabilities", "<f4", count * len(attributes))
        found["probabilities"] = flat.reshape(count, len(attributes))
        found["attributes"] = attributes
    return found

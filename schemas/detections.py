"""`sightline.detections.v1`: all detections of one frame; a frame without any is a message too."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import numpy.typing as npt

from schemas import arrays, fields
from schemas.arrays import BoxArray, IndexArray, UnitArray
from schemas.fields import Name, SidePx
from schemas.wire import DecodeError, StreamMessage


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

    width: SidePx
    height: SidePx
    boxes: BoxArray
    scores: UnitArray
    class_ids: IndexArray
    labels: Name
    names: Annotated[Mapping[int, str], fields.named_ids()]
    embeddings: Annotated[npt.NDArray[np.float16] | None, fields.optional(arrays.embeddings())] = None
    probabilities: Annotated[
        npt.NDArray[np.float32] | None, fields.optional(arrays.unit_floats(columns="attributes"))
    ] = None
    attributes: Annotated[tuple[str, ...], replace(fields.texts(), only_with="probabilities")] = ()

    def check(self) -> None:
        """Refuse class ids without a name."""
        for class_id in set(self.class_ids.tolist()) - self.names.keys():
            raise DecodeError("names", f"class id {class_id} has no name")

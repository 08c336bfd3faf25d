"""The pure part of the infer stage: a record becomes a frame, an answer becomes a record."""

from dataclasses import dataclass

import numpy as np

from processors.infer.client import Analyzed, Labels
from schemas.dead_letters import DeadLetter
from schemas.detections import Detections
from schemas.frames import Frame
from schemas.wire import DecodeError

STAGE = "infer"


@dataclass(frozen=True)
class InputRecord:
    """One record of the frames topic, as it came."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes


def decode_frame(record: InputRecord, at_ns: int) -> Frame | DeadLetter:
    """The frame in a record, or why there is none."""
    try:
        frame = Frame.from_bytes(record.value)
    except DecodeError as error:
        return _dead_letter(record, str(error), at_ns)
    if frame.stream_id.encode() != record.key:
        # It may be on another partition than the rest of its stream, and then its order is nobody's.
        return _dead_letter(record, f"stream_id: {frame.stream_id} is not the record's key", at_ns)
    return frame


def refuse_frame(record: InputRecord, reason: str, at_ns: int) -> DeadLetter:
    """The dead letter for a frame that cannot be analysed, or whose answer cannot be published."""
    return _dead_letter(record, reason, at_ns)


def detections_of(frame: Frame, answer: Analyzed, labels: Labels, at_ns: int) -> Detections:
    """The message that says what is on a frame.

    Boxes come in pixels of the picture and leave in pixels of the source frame, which may be larger.
    A class id without a name is called `class-ID`, an attribute without a name `attribute-COLUMN`.
    """
    scale = np.array([frame.width / answer.width, frame.height / answer.height] * 2, dtype=np.float32)
    names = labels.names
    return Detections(
        stream_id=frame.stream_id,
        epoch=frame.epoch,
        seq=frame.seq,
        captured_at_ns=frame.captured_at_ns,
        trace=(*frame.trace, (STAGE, at_ns)),
        width=frame.width,
        height=frame.height,
        boxes=answer.boxes * scale,
        scores=answer.scores,
        class_ids=answer.class_ids,
        labels=labels.version,
        names={i: names[i] if i < len(names) else f"class-{i}" for i in set(answer.class_ids.tolist())},
        embeddings=answer.embeddings,
        probabilities=answer.probabilities,
        attributes=_attributes(answer, labels),
    )


def _attributes(answer: Analyzed, labels: Labels) -> tuple[str, ...]:
    if answer.probabilities is None:
        return ()
    columns = answer.probabilities.shape[1]
    if columns == len(labels.attributes):
        return tuple(labels.attributes)
    return tuple(f"attribute-{column}" for column in range(columns))  # another network by now


def _dead_letter(record: InputRecord, reason: str, at_ns: int) -> DeadLetter:
    return DeadLetter.about(
        record.key,
        record.value,
        reason=reason,
        stage=STAGE,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        at_ns=at_ns,
    )

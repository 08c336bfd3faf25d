"""A model from elsewhere on a real video, against a decoder written apart from the product's."""

import asyncio
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from processors.infer.client import Analyzed, AnalyzerClient
from sightline.vision.describe import describe_onnx
from sightline.vision.detector import Detected, Detector
from sightline.vision.heads import Head
from sightline.vision.jpeg import decode_jpeg, encode_jpeg
from sightline.vision.labels import COCO_LABELS
from sightline.vision.onnx_backend import OnnxBackend

Found = tuple[int, float, NDArray[np.float64]]


def frames(video: Path, numbers: tuple[int, ...]) -> list[NDArray[np.uint8]]:
    capture = cv2.VideoCapture(str(video))
    kept = []
    for number in range(max(numbers) + 1):
        good, frame = capture.read()
        assert good
        if number in numbers:
            kept.append(np.asarray(frame, dtype=np.uint8))
    capture.release()
    return kept


def plain_loop(session: Any, frame: NDArray[np.uint8], threshold: float) -> list[Found]:
    """YOLOX as its paper and its users do it, with none of our code: letterbox, run, decode, OpenCV's NMS."""
    ratio = min(416 / frame.shape[0], 416 / frame.shape[1])
    small = cv2.resize(frame, (int(frame.shape[1] * ratio), int(frame.shape[0] * ratio)))
    canvas = np.full((416, 416, 3), 114, np.float32)
    canvas[: small.shape[0], : small.shape[1]] = small
    raw = session.run(None, {"images": canvas.transpose(2, 0, 1)[None].copy()})[0][0].astype(np.float64)
    cells = [(x, y, s) for s in (8, 16, 32) for y in range(416 // s) for x in range(416 // s)]
    boxes, scores, classes = [], [], []
    for row, (x, y, stride) in zip(raw, cells, strict=True):
        best = int(row[5:].argmax())
        if row[4] * row[5 + best] < threshold:
            continue
        w, h = np.exp(row[2:4]) * stride
        boxes.append(((row[0] + x) * stride - w / 2, (row[1] + y) * stride - h / 2, w, h))
        scores.append(float(row[4] * row[5 + best]))
        classes.append(best)
    kept = cv2.dnn.NMSBoxesBatched(boxes, scores, classes, threshold, 0.7)
    found = []
    for index in np.array(kept).ravel():
        x, y, w, h = boxes[index]
        corners = np.clip(
            np.array((x, y, x + w, y + h)) / ratio, 0, (*frame.shape[1::-1], *frame.shape[1::-1])
        )
        found.append((classes[index], scores[index], corners))
    return found


def share_found(expected: list[Found], found: Detected | Analyzed, iou: float) -> tuple[int, int]:
    """How many of the expected boxes are there, and how many there are."""
    hits = 0
    for class_id, _, box in expected:
        same = found.boxes[found.class_ids == class_id]
        low, high = np.maximum(same[:, :2], box[:2]), np.minimum(same[:, 2:], box[2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        union = np.prod(same[:, 2:] - same[:, :2], axis=1) + np.prod(box[2:] - box[:2]) - shared
        hits += bool((shared >= iou * union).any())
    return hits, len(expected)


@pytest.fixture(scope="module")
def session(yolox_path: Path) -> Any:
    return onnxruntime.InferenceSession(str(yolox_path), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def some_frames(video: Path) -> list[NDArray[np.uint8]]:
    return frames(video, tuple(range(0, 900, 75)))


def test_the_detector_finds_what_a_plain_loop_finds_and_no_more(
    yolox_path: Path, session: Any, some_frames: list[NDArray[np.uint8]]
) -> None:
    spec = describe_onnx(yolox_path, Head.YOLOX)
    assert spec.labels == COCO_LABELS
    found = Detector(spec, OnnxBackend(yolox_path)).detect(some_frames)
    for frame, one in zip(some_frames, found, strict=True):
        expected = plain_loop(session, frame, 0.1)
        assert share_found(expected, one, 0.99) == (len(one.scores), len(expected))
        assert len(one.scores) == len(expected)
        assert sorted(one.scores.tolist()) == pytest.approx(sorted(each[1] for each in expected), abs=1e-4)
        names = [
            COCO_LABELS[class_id]
            for class_id, score in zip(one.class_ids, one.scores, strict=True)
            if score > 0.5
        ]
        # Each of these frames of a busy bridge has some sure road traffic or walkers.
        assert 1 <= len(names) <= 30
        assert set(names) <= {"car", "truck", "bus", "person", "motorcycle", "bicycle"}


def test_triton_finds_what_a_plain_loop_finds_in_the_same_jpegs(
    yolox: Any, session: Any, some_frames: list[NDArray[np.uint8]]
) -> None:
    jpegs = [encode_jpeg(frame) for frame in some_frames]

    async def ask() -> list[Analyzed]:
        async with AnalyzerClient(yolox.url) as client:
            assert (await client.labels()).version == "coco-80"
            answers = await asyncio.gather(
                *(client.analyze(jpegs[at : at + 3], 60.0) for at in range(0, 12, 3))
            )
        return [one for answer in answers for one in answer]

    hits = total = 0
    for jpeg, one in zip(jpegs, asyncio.run(ask()), strict=True):
        assert one.error is None
        expected = plain_loop(session, decode_jpeg(jpeg), 0.25)
        found, count = share_found(expected, one, 0.95)
        hits, total = hits + found, total + count
        in_process = yolox.detector.detect([decode_jpeg(jpeg)])[0]
        sure = [
            (int(c), float(s), b.astype(np.float64))
            for c, s, b in zip(in_process.class_ids, in_process.scores, in_process.boxes, strict=True)
            if s >= 0.11
        ]
        assert share_found(sure, one, 0.99) == (len(sure), len(sure))
    assert total > 60
    assert hits >= 0.995 * total

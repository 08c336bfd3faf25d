"""YOLOX in a plain loop, written apart from the product: what a user would do without Sightline."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

SIDE = 416
STRIDES = (8, 16, 32)


def detect_all(
    video: Path, model: Path, jpeg_quality: int | None, threshold: float = 0.25
) -> Iterator[np.ndarray]:
    """For each frame rows of x1, y1, x2, y2, score, class; optionally of the frame as a JPEG shows it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    capture = cv2.VideoCapture(str(video))
    while True:
        there, image = capture.read()
        if not there:
            return
        if jpeg_quality is not None:
            _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])
            image = cv2.imdecode(coded, cv2.IMREAD_COLOR)
        yield detect(session, image, threshold)


def detect(session: onnxruntime.InferenceSession, image: np.ndarray, threshold: float) -> np.ndarray:
    height, width = image.shape[:2]
    ratio = min(SIDE / height, SIDE / width)
    canvas = np.full((SIDE, SIDE, 3), 114, np.uint8)
    small = cv2.resize(image, (int(width * ratio), int(height * ratio)), interpolation=cv2.INTER_LINEAR)
    canvas[: small.shape[0], : small.shape[1]] = small
    blob = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], dtype=np.float32)
    raw = session.run(None, {"images": blob})[0][0]
    found = []
    row = 0
    for stride in STRIDES:
        cells = SIDE // stride
        for y in range(cells):
            block = raw[row + y * cells : row + (y + 1) * cells]
            scores = block[:, 4:5] * block[:, 5:]
            for x in np.flatnonzero(scores.max(axis=1) >= threshold):
                kind = int(scores[x].argmax())
                cx, cy = (block[x, 0] + x) * stride, (block[x, 1] + y) * stride
                w, h = np.exp(block[x, 2]) * stride, np.exp(block[x, 3]) * stride
                box = np.array([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]) / ratio
                found.append([*box, scores[x, kind], kind])
        row += cells * cells
    return suppress(found, width, height)


def suppress(found: list[list[float]], width: int, height: int, limit: float = 0.65) -> np.ndarray:
    """Greedy suppression within each class, one box at a time; boxes cut to the picture."""
    kept: list[list[float]] = []
    for row in sorted(found, key=lambda each: -each[4]):
        if all(row[5] != other[5] or iou(row, other) <= limit for other in kept):
            kept.append(row)
    boxes = np.array(kept, dtype=float).reshape(-1, 6)
    boxes[:, [0, 2]] = boxes[:, [0, 2]].clip(0, width)
    boxes[:, [1, 3]] = boxes[:, [1, 3]].clip(0, height)
    return boxes


def iou(a, b) -> float:
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    area_a, area_b = (a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])
    return w * h / (area_a + area_b - w * h)

"""Measure a detector and an appearance network, run as they are used, on scenes that no training saw."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.appearance import find_appearance
from sightline.vision.describe import find_model
from sightline.vision.detector import Detected, Detector
from sightline.vision.heads import default_nms_iou
from sightline.vision.jpeg import decode_jpeg, encode_jpeg
from sightline.vision.onnx_backend import OnnxBackend, OnnxOptions
from sightline.vision.recognizer import Appearance
from triton_repo.evaluation.appearance import Looks, attribute_accuracy, reid_pairs
from triton_repo.evaluation.detection import DetectionAccuracy, Objects, detection_accuracy
from triton_repo.training.augment import is_ignored
from triton_repo.training.scenes import (
    ATTRIBUTES,
    CLASSES,
    FIRST_EVALUATION_SEED,
    FrameTruth,
    Scene,
    draw,
    evaluation_scenes,
)

SHIPPED: Final = Path(__file__).parents[1]
DETECTOR: Final = SHIPPED / "detector" / "1"
APPEARANCE: Final = SHIPPED / "appearance" / "1"

JPEG_QUALITY: Final = 90
"""What gateways publish unless told otherwise."""

LEAST_SCORE: Final = 0.01
"""Low, because average precision looks at weak detections too."""

USED_SCORE: Final = 0.25
"""From here on detections are looked at by the appearance network."""

CLEAR_VISIBILITY: Final = 0.5
"""An object of which at least this share can be seen is visible: its attribute and looks are asked for."""

MATCH_IOU: Final = 0.5


@dataclass(frozen=True)
class Picture:
    """A picture as it comes from a gateway, and what is in it."""

    image: NDArray[np.uint8]
    truth: FrameTruth
    scene: int
    light: str
    weather: str


@dataclass(frozen=True)
class Report:
    """What was measured; shares are 0..1, None where there was nothing to measure.

    Attributes:
        seed: The first scene's seed.
        scenes: How many scenes there were.
        pictures: How many pictures.
        objects: How many objects were to be found.
        map50: Mean average precision at an IoU of 0.5.
        map50_95: The mean over IoUs of 0.5 to 0.95.
        classes: Both, for each class.
        lights: Both, for each light.
        weathers: Both, for each weather.
        attribute_accuracy: Attributes that are right, of visible objects, in true boxes.
        attribute_accuracy_detected: The same in the detector's boxes, of those it found.
        reid_pairs: Comparisons that are right, see `evaluation.appearance.reid_pairs`.
        reid_comparisons: How many comparisons that were.
    """

    seed: int
    scenes: int
    pictures: int
    objects: int
    map50: float | None
    map50_95: float | None
    classes: dict[str, dict[str, float | None]]
    lights: dict[str, dict[str, float | None]]
    weathers: dict[str, dict[str, float | None]]
    attribute_accuracy: float | None
    attribute_accuracy_detected: float | None
    reid_pairs: float | None
    reid_comparisons: int


def evaluate(
    seed: int = FIRST_EVALUATION_SEED,
    scenes: int = 36,
    shots: int = 8,
    detector: Path = DETECTOR,
    appearance: Path = APPEARANCE,
) -> Report:
    """Draw scenes, run the models over them, and compare with the truth.

    Args:
        seed: The first scene's; the others follow.
        scenes: How many.
        shots: Pictures of each.
        detector: Its folder, or its ONNX file with `model.json` beside it.
        appearance: The folder of the appearance network.

    Raises:
        SightlineError: The seed is below 100,000, a model is missing or broken or has other classes or
            attributes than the scenes, or pycocotools is missing.
    """
    chosen = evaluation_scenes(seed, scenes, shots)
    with ExitStack() as resources:
        find = _open_detector(detector, resources)
        look = _open_appearance(appearance, resources)
        pictures, found, true_looks, found_looks = [], [], [], []
        for number, scene in enumerate(chosen):
            some = pictures_of(number, scene)
            results = find.detect([picture.image for picture in some])
            true_looks.append(_look(look, some, [visible(picture.truth) for picture in some]))
            found_looks.append(_look_at_found(look, some, results))
            pictures += [_without_pixels(picture) for picture in some]
            found += results
    looks = _join(true_looks)
    pairs = reid_pairs(looks)
    overall = _accuracy(pictures, found)
    return Report(
        seed=seed,
        scenes=scenes,
        pictures=len(pictures),
        objects=overall.objects,
        map50=overall.overall.map50,
        map50_95=overall.overall.map50_95,
        classes={name: asdict(precision) for name, precision in overall.classes.items()},
        lights=_by([picture.light for picture in pictures], pictures, found),
        weathers=_by([picture.weather for picture in pictures], pictures, found),
        attribute_accuracy=attribute_accuracy(looks),
        attribute_accuracy_detected=attribute_accuracy(_join(found_looks)),
        reid_pairs=pairs.share,
        reid_comparisons=pairs.all,
    )


def _open_detector(path: Path, resources: ExitStack) -> Detector:
    file, spec = find_model(path)
    if spec.labels != CLASSES:
        raise SightlineError(
            f"The detector {file} finds {', '.join(spec.labels)[:200]}, and not what the scenes have.",
            f"Only one with these classes, in this order, can be measured on them: {', '.join(CLASSES)}.",
        )
    backend = OnnxBackend(file, OnnxOptions(parallel_runs=2), (spec.output_name,))
    resources.callback(backend.close)
    return Detector(spec, backend, LEAST_SCORE, default_nms_iou(spec.head))


def _open_appearance(path: Path, resources: ExitStack) -> Appearance:
    file, spec = find_appearance(path)
    if spec.attributes != ATTRIBUTES:
        raise SightlineError(
            f"The appearance network {file} knows other attributes than the scenes have.",
            f"Only one with these, in this order, can be measured on them: {', '.join(ATTRIBUTES)}.",
        )
    backend = OnnxBackend(file, OnnxOptions(parallel_runs=2), (spec.embedding_name, spec.probabilities_name))
    resources.callback(backend.close)
    return Appearance(spec, backend, USED_SCORE)


def pictures_of(number: int, scene: Scene) -> list[Picture]:
    """Draw a scene's pictures and send them through JPEG; `number` names the scene in them."""
    settings = scene.settings
    return [
        Picture(
            decode_jpeg(encode_jpeg(shot.image, JPEG_QUALITY)),
            shot.truth,
            number,
            settings.light,
            settings.weather,
        )
        for shot in draw(scene)
    ]


def _without_pixels(picture: Picture) -> Picture:
    return Picture(
        np.empty((0, 0, 3), np.uint8), picture.truth, picture.scene, picture.light, picture.weather
    )


def visible(truth: FrameTruth) -> NDArray[np.intp]:
    """The objects that are asked for, as rows of the truth."""
    ignored = is_ignored(truth.boxes, truth.visibility)
    return np.flatnonzero(~ignored & (truth.visibility >= CLEAR_VISIBILITY))


def _look(look: Appearance, pictures: Sequence[Picture], rows: Sequence[NDArray[np.intp]]) -> Looks:
    """Look at objects in their true boxes."""
    found = [
        _as_found(picture.truth.boxes[some], picture.truth.classes[some])
        for picture, some in zip(pictures, rows, strict=True)
    ]
    return _looks(look, pictures, found, rows)


def _look_at_found(look: Appearance, pictures: Sequence[Picture], found: Sequence[Detected]) -> Looks:
    """Look at visible objects in the boxes that the detector has for them; those it misses are left out."""
    boxes, rows = [], []
    for picture, one in zip(pictures, found, strict=True):
        seen = visible(picture.truth)
        used = one.boxes[one.scores >= USED_SCORE]
        overlap = box_iou(picture.truth.boxes[seen], used)
        matched = overlap.max(axis=1, initial=0.0) >= MATCH_IOU
        best = used[overlap[matched].argmax(axis=1)] if matched.any() else np.empty((0, 4), np.float32)
        rows.append(seen[matched])
        boxes.append(_as_found(best, picture.truth.classes[seen[matched]]))
    return _looks(look, pictures, boxes, rows)


def _looks(
    look: Appearance,
    pictures: Sequence[Picture],
    found: Sequence[Detected],
    rows: Sequence[NDArray[np.intp]],
) -> Looks:
    described = look.describe([picture.image for picture in pictures], found)
    counts = [len(some) for some in rows]
    truths = [picture.truth for picture in pictures]
    return Looks(
        np.concatenate([np.asarray(one.embeddings) for one in described]),
        np.concatenate([np.asarray(one.probabilities) for one in described]),
        np.concatenate([truth.attributes[some] for truth, some in zip(truths, rows, strict=True)]).astype(
            np.int64
        ),
        np.concatenate([truth.ids[some] for truth, some in zip(truths, rows, strict=True)]),
        np.repeat([picture.scene for picture in pictures], counts).astype(np.int64),
        np.repeat(np.arange(len(pictures)), counts),
    )


def _as_found(boxes: NDArray[np.float32], classes: NDArray[np.uint16]) -> Detected:
    return Detected(boxes.astype(np.float32), np.ones(len(boxes), np.float32), classes)


def box_iou(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of boxes (N, 4) and (M, 4), x1 y1 x2 y2: float32 (N, M)."""
    low = np.maximum(first[:, None, :2], second[:, :2])
    high = np.minimum(first[:, None, 2:], second[:, 2:])
    common = np.maximum(high - low, 0).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1] - common
    return np.asarray(common / np.maximum(union, 1e-9), dtype=np.float32)


def _join(parts: Sequence[Looks]) -> Looks:
    """Scenes count their objects and pictures from their own start; make both unique."""
    most_ids = 1 + max(int(part.ids.max(initial=0)) for part in parts)
    most_pictures = 1 + max(int(part.pictures.max(initial=0)) for part in parts)
    return Looks(
        np.concatenate([part.embeddings for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.attributes for part in parts]),
        np.concatenate([part.ids + number * most_ids for number, part in enumerate(parts)]),
        np.concatenate([part.scenes for part in parts]),
        np.concatenate([part.pictures + number * most_pictures for number, part in enumerate(parts)]),
    )


def _accuracy(pictures: Sequence[Picture], found: Sequence[Detected]) -> DetectionAccuracy:
    truths = [picture.truth for picture in pictures]
    objects = [
        Objects(truth.boxes, truth.classes, is_ignored(truth.boxes, truth.visibility)) for truth in truths
    ]
    return detection_accuracy(found, objects, CLASSES)


def _by(
    keys: Sequence[str], pictures: Sequence[Picture], found: Sequence[Detected]
) -> dict[str, dict[str, Any]]:
    table = {}
    for key in dict.fromkeys(keys):
        rows = [index for index, name in enumerate(keys) if name == key]
        part = _accuracy([pictures[row] for row in rows], [found[row] for row in rows])
        table[key] = asdict(part.overall)
    return table

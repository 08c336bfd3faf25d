"""Pictures to calibrate and to measure a converted detector with: a folder's, or the synthetic cameras'."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from triton_repo.evaluation.detection import Objects

Image = NDArray[np.uint8]
T = TypeVar("T")

CALIBRATION_PICTURES: Final = 64
MEASURED_PICTURES: Final = 256
FEWEST_PICTURES: Final = 20

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


@dataclass(frozen=True)
class Pictures:
    """What a conversion is made and judged with; no picture is in both parts.

    Attributes:
        calibration: BGR pictures that show which values a network's layers have.
        measured: BGR pictures that the original and the converted detector are compared on.
        truth: What is in each of the measured ones; None if nobody knows.
    """

    calibration: Sequence[Image]
    measured: Sequence[Image]
    truth: Sequence[Objects] | None


def pictures_for(labels: Sequence[str], folder: Path | None) -> Pictures:
    """The pictures for a detector: a folder's, else the synthetic cameras' if it knows their classes.

    Raises:
        SightlineError: As `folder_pictures`; or there is no folder, and the detector knows other classes.
    """
    if folder is not None:
        return folder_pictures(folder, len(labels))
    from triton_repo.training.scenes import CLASSES

    if tuple(labels) != CLASSES:
        raise SightlineError(
            f"Pictures are needed to calibrate and measure a detector of {', '.join(labels)[:100]}.",
            "Give a folder with a hundred or more pictures of what it is made for: --calibration FOLDER.",
        )
    return scene_pictures()


def folder_pictures(folder: Path, classes: int) -> Pictures:
    """Read a folder's pictures: every second one is for calibration, the others are measured.

    Truth is read in the layout that YOLO's users have: a text file beside each picture, or in a folder
    `labels` where the picture's is `images`, with a line for each object: class id, then the box's centre x,
    y, width and height as shares of the picture. A picture without a file is empty, unless none has one.

    Args:
        folder: Searched with the folders in it.
        classes: How many classes the detector has.

    Raises:
        SightlineError: There are fewer than `FEWEST_PICTURES` pictures, or one or its text cannot be read.
    """
    paths = picture_paths(folder)
    if len(paths) < FEWEST_PICTURES:
        raise SightlineError(
            f"There are {len(paths)} pictures in {folder}; at least {FEWEST_PICTURES} are needed.",
            "Give a folder with a hundred or more pictures (JPEG or PNG) of what the cameras will see.",
        )
    calibration = spread(paths[::2], CALIBRATION_PICTURES)
    measured = spread(paths[1::2], MEASURED_PICTURES)
    images = [read_picture(path) for path in measured]
    texts = [_text_of(path) for path in measured]
    truth = None
    if any(text.is_file() for text in texts):
        truth = [_objects(text, image, classes) for text, image in zip(texts, images, strict=True)]
    return Pictures([read_picture(path) for path in calibration], images, truth)


def scene_pictures() -> Pictures:
    """Draw the synthetic cameras' scenes: calibration from those for training, measured are unseen ones."""
    from triton_repo.training.augment import is_ignored
    from triton_repo.training.scenes import FIRST_EVALUATION_SEED, draw, evaluation_scenes, training_scenes

    calibration = [shot.image for scene in training_scenes(16, 4, seed=0) for shot in draw(scene)]
    shots = [shot for scene in evaluation_scenes(FIRST_EVALUATION_SEED, 36, 6) for shot in draw(scene)]
    truth = [
        Objects(shot.truth.boxes, shot.truth.classes, is_ignored(shot.truth.boxes, shot.truth.visibility))
        for shot in shots
    ]
    return Pictures(calibration, [shot.image for shot in shots], truth)


def picture_paths(folder: Path) -> list[Path]:
    """The pictures in a folder and those in it, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)


def spread(items: Sequence[T], most: int) -> list[T]:
    """At most so many, from the whole list: neighbours are often of one scene."""
    step = max(1, -(-len(items) // most))
    return list(islice(items, 0, None, step))


def read_picture(path: Path) -> Image:
    """Read a picture, uint8 (H, W, 3) BGR; raises SightlineError if it cannot be read."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SightlineError(f"The picture {path} cannot be read.", "Take it out of the folder, or mend it.")
    return np.asarray(image, dtype=np.uint8)


def _text_of(path: Path) -> Path:
    beside = path.with_suffix(".txt")
    if beside.is_file() or "images" not in path.parts:
        return beside
    place = len(path.parts) - 1 - path.parts[::-1].index("images")
    return Path(*path.parts[:place], "labels", *path.parts[place + 1 :]).with_suffix(".txt")


def _objects(text: Path, image: Image, classes: int) -> Objects:
    rows = [_row(text, line, classes) for line in _lines(text)]
    table = np.array(rows, np.float32).reshape(-1, 5)
    height, width = image.shape[:2]
    centres, sizes = table[:, 1:3], table[:, 3:5]
    corners = np.concatenate((centres - sizes / 2, centres + sizes / 2), axis=1)
    boxes = corners * np.array((width, height, width, height), np.float32)
    return Objects(boxes.astype(np.float32), table[:, 0].astype(np.int64), np.zeros(len(table), np.bool_))


def _lines(text: Path) -> Iterable[str]:
    if not text.is_file():
        return ()
    try:
        return [line for line in text.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SightlineError(f"The labels {text} cannot be read: {error}.") from error


def _row(text: Path, line: str, classes: int) -> tuple[float, ...]:
    try:
        class_id, *box = (float(word) for word in line.split())
        good = class_id in range(classes) and len(box) == 4 and all(-1 <= value <= 2 for value in box)
    except ValueError:
        good = False
    if not good:
        raise SightlineError(
            f"The line {line[:60]!r} of {text} is no object of one of {classes} classes.",
            "A line is: class id, centre x, centre y, width, height, the last four as shares of the picture.",
        )
    return (class_id, *box)

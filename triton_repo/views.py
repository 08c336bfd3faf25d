"""Views of single objects, to calibrate and to measure a converted appearance network with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.crops import crop_rectangle
from triton_repo.pictures import Image, picture_paths, read_picture, spread

if TYPE_CHECKING:
    from triton_repo.training.scenes import Scene

CALIBRATION_VIEWS: Final = 512
VIEWS_PER_OBJECT: Final = 16
OBJECTS_PER_ATTRIBUTE: Final = 256
FEWEST_VIEWS: Final = 20

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Views:
    """Views of objects, and whom they show.

    Attributes:
        images: N pictures uint8 (height, width, 3), BGR, each of nothing but one object, of any size.
        attributes: int64 (N,), what each is.
        ids: int64 (N,), who each is; unique over all scenes.
        scenes: int64 (N,); objects of different scenes are not compared.
    """

    images: Sequence[Image]
    attributes: Ints
    ids: Ints
    scenes: Ints


@dataclass(frozen=True)
class ObjectViews:
    """What a conversion is made and judged with; no object is in both parts.

    Attributes:
        calibration: As `Views.images`; they show which values a network's layers have.
        measured: What the original and the converted network are compared on.
    """

    calibration: Sequence[Image]
    measured: Views


@dataclass(frozen=True)
class _View:
    image: Image
    attribute: int
    who: tuple[int, int]
    """Scene and number in it."""


def views_for(attributes: Sequence[str], folder: Path | None) -> ObjectViews:
    """The views for a network: a folder's, else the synthetic cameras' if it knows their attributes.

    Raises:
        SightlineError: As `folder_views`; or there is no folder, and the network knows other attributes.
    """
    if folder is not None:
        return folder_views(folder, attributes)
    from triton_repo.training.scenes import ATTRIBUTES

    if tuple(attributes) != ATTRIBUTES:
        raise SightlineError(
            f"Pictures are needed to calibrate and measure a network for {', '.join(attributes)[:100]}.",
            "Give a folder with pictures of single objects, in ATTRIBUTE/OBJECT/: --calibration FOLDER.",
        )
    return scene_views()


def folder_views(folder: Path, attributes: Sequence[str]) -> ObjectViews:
    """Read a folder of pictures of single objects, each cut to the object's box.

    In it each attribute that is to be asked for has a folder of its name, and in that each object one of any
    name with its pictures. Every second object of an attribute is for calibration, the others are measured.

    Args:
        folder: What to read.
        attributes: Those that the network knows.

    Raises:
        SightlineError: A folder is named as no attribute is, a picture cannot be read, or there are fewer
            than `FEWEST_VIEWS` to measure.
    """
    calibration: list[Path] = []
    measured: list[_View] = []
    number = 0
    for attribute in _attribute_folders(folder, attributes):
        objects = sorted(path for path in attribute.iterdir() if path.is_dir())
        for one in spread(objects[1::2], OBJECTS_PER_ATTRIBUTE):
            calibration += spread(picture_paths(one), VIEWS_PER_OBJECT)
        for one in spread(objects[::2], OBJECTS_PER_ATTRIBUTE):
            number += 1
            kind = attributes.index(attribute.name)
            paths = spread(picture_paths(one), VIEWS_PER_OBJECT)
            measured += [_View(read_picture(path), kind, (0, number)) for path in paths]
    if len(measured) < FEWEST_VIEWS:
        raise SightlineError(
            f"There are {len(measured)} pictures of objects to measure with in {folder}; at least "
            f"{FEWEST_VIEWS} are needed.",
            "Put pictures of single objects into ATTRIBUTE/OBJECT/, several of each of four objects or more.",
        )
    images = [read_picture(path) for path in spread(calibration, CALIBRATION_VIEWS)]
    return ObjectViews(images, _together(measured))


def scene_views() -> ObjectViews:
    """Cut objects out of the synthetic cameras: calibration from training's scenes, measured unseen ones."""
    from triton_repo.training.scenes import FIRST_EVALUATION_SEED, evaluation_scenes, training_scenes

    calibration = [view.image for view in _seen(training_scenes(16, 4, seed=0))]
    measured = list(_seen(evaluation_scenes(FIRST_EVALUATION_SEED, 36, 6)))
    return ObjectViews(spread(calibration, CALIBRATION_VIEWS), _together(measured))


def _seen(scenes: "Sequence[Scene]") -> Iterator[_View]:
    """The objects of scenes that can be seen well, each in its true box."""
    from triton_repo.evaluation.run import pictures_of, visible

    for number, scene in enumerate(scenes):
        for picture in pictures_of(number, scene):
            image, truth = picture.image, picture.truth
            for row in visible(truth):
                left, top, right, bottom = crop_rectangle(truth.boxes[row], image.shape[1], image.shape[0])
                crop = image[top:bottom, left:right].copy()
                yield _View(crop, int(truth.attributes[row]), (number, int(truth.ids[row])))


def _together(views: Sequence[_View]) -> Views:
    numbers = {who: number for number, who in enumerate(dict.fromkeys(view.who for view in views))}
    return Views(
        [view.image for view in views],
        np.array([view.attribute for view in views], np.int64),
        np.array([numbers[view.who] for view in views], np.int64),
        np.array([view.who[0] for view in views], np.int64),
    )


def _attribute_folders(folder: Path, attributes: Sequence[str]) -> list[Path]:
    try:
        folders = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise SightlineError(
            f"The folder {folder} cannot be read: {error.strerror}.", "Check its path and its rights."
        ) from error
    for path in folders:
        if path.name not in attributes:
            raise SightlineError(
                f"The folder {path} is named as none of the network's attributes.",
                f"Name it as one of these, or take it away: {', '.join(attributes)[:300]}.",
            )
    return folders

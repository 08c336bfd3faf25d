"""Class names: COCO's, and lists of names from files."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from sightline.errors import SightlineError

MAX_LABELS = 65_535
MAX_LABEL_LENGTH = 64

_COCO = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,"
    "parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,"
    "tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,"
    "tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,"
    "hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,"
    "keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,"
    "hair drier,toothbrush"
)
COCO_LABELS: tuple[str, ...] = tuple(_COCO.split(","))
"""The 80 class names of COCO in the order of the class ids that detectors use."""

# The ids of COCO's annotations that no class has; id 0 is nobody's either.
_COCO_GAPS = (0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
COCO_91_LABELS: tuple[str, ...] = tuple(
    f"unused {number}"
    if number in _COCO_GAPS
    else COCO_LABELS[number - sum(gap < number for gap in _COCO_GAPS)]
    for number in range(91)
)
"""The same by the 91 category ids of COCO's annotations, which DETR and its relatives use."""

COCO_VERSION = "coco-80"


def labels_version(names: Sequence[str]) -> str:
    """Name a list of labels: the same names in the same order always give the same version.

    Returns:
        `coco-80` for COCO's list, else `names-` and 12 hexadecimal digits of the list's SHA-256.
    """
    if tuple(names) == COCO_LABELS:
        return COCO_VERSION
    return "names-" + hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]


def check_labels(names: Sequence[str], where: str) -> tuple[str, ...]:
    """Check a list of labels.

    Raises:
        SightlineError: The list is empty or too long, or a name is empty, too long, repeated or
            not printable.
    """
    if not names:
        raise SightlineError(f"{where} has no class names.", "Give one name a line.")
    if len(names) > MAX_LABELS:
        raise SightlineError(f"{where} has {len(names)} class names, more than {MAX_LABELS}.")
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name or len(name) > MAX_LABEL_LENGTH or not name.isprintable():
            raise SightlineError(
                f"{where}: name {number} ({name[:80]!r}) is empty, not printable or too long.",
                f"A class name has 1 to {MAX_LABEL_LENGTH} printable characters.",
            )
        if name in seen:
            raise SightlineError(
                f"{where}: name {number} ({name!r}) is there twice.", "Make the names unique."
            )
        seen.add(name)
    return tuple(names)


def read_labels(labels: str) -> tuple[str, ...]:
    """Read class names: the word `coco` or `coco-91`, or the path of a text file with one name a line.

    Blank lines at the end are ignored; a blank line between names is an error, since it would shift the ids.

    Raises:
        SightlineError: The file is missing, not UTF-8, or its names are not usable.
    """
    if labels in ("coco", "coco-91"):
        return COCO_LABELS if labels == "coco" else COCO_91_LABELS
    path = Path(labels)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SightlineError(
            f"Cannot read the labels file {path}: {error.strerror}.",
            "Give a text file with one class name a line, or the word coco.",
        ) from error
    except UnicodeDecodeError as error:
        raise SightlineError(f"The labels file {path} is not UTF-8 text.", "Save it as UTF-8.") from error
    return check_labels([line.strip() for line in text.rstrip().splitlines()], f"The labels file {path}")

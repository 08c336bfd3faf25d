"""What a model is: the facts about a detector that its input and output must fit, kept beside its file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from sightline.errors import SightlineError
from sightline.vision.backend import Signature
from sightline.vision.heads import BoxUnits, Head, InputSize, OutputForm, ScoreForm
from sightline.vision.labels import check_labels, labels_version
from sightline.vision.letterbox import Position
from sightline.vision.spec_json import read_spec_file, spec_fields, spec_text

SPEC_FILE = "model.json"
MODEL_FILE = "model.onnx"
SPEC_FORMAT = 1

Layout = Literal["NCHW", "NHWC"]
Dtype = Literal["float32", "float16"]
Colour = Literal["BGR", "RGB"]


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes a model's input.

    Attributes:
        colour: The channels' order in the input.
        scale: Levels 0..255 are multiplied by this.
        pad_value: The level of the padding, before scaling, 0..255.
        position: Where the picture lies in the input.
        mean: Of each channel, in the input's order: what is subtracted after scaling.
        deviation: Of each channel: what is divided by after that.
    """

    colour: Colour
    scale: float
    pad_value: int
    position: Position
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)


ULTRALYTICS = Preprocessing("RGB", 1 / 255, 114, "centre")
MEGVII = Preprocessing("BGR", 1.0, 114, "top-left")
STRETCHED = Preprocessing("RGB", 1 / 255, 114, "stretch")
IMAGENET = replace(STRETCHED, mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225))


def default_preprocessing(head: Head) -> Preprocessing:
    """Say how the project that made this kind of head feeds its models."""
    special = {
        Head.YOLOX: MEGVII,
        Head.YOLOX_DECODED: MEGVII,
        Head.RTDETR: STRETCHED,
        Head.DETR: IMAGENET,
    }
    return special.get(head, ULTRALYTICS)


@dataclass(frozen=True)
class ModelSpec:
    """All that is needed to feed a detector and to read its output.

    Attributes:
        head: Its output layout.
        width: Its input's width in pixels.
        height: Its input's height in pixels.
        input_name: The input tensor's name.
        output_name: The name of the output tensor that holds the detections.
        labels: The class names; their order is the class ids'.
        preprocessing: How a picture becomes its input.
        batch: The batch size that the model is fixed to, or None if any is taken.
        layout: The order of the input's axes.
        dtype: The input's type.
        box_units: What the output's boxes are in.
        scores: What the output's scores are.
        labels_version: Names this list of labels in messages; made from the labels unless given.
    """

    head: Head
    width: int
    height: int
    input_name: str
    output_name: str
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    batch: int | None = None
    layout: Layout = "NCHW"
    dtype: Dtype = "float32"
    labels_version: str = ""
    box_units: BoxUnits = "pixels"
    scores: ScoreForm = "probabilities"

    def __post_init__(self) -> None:
        if not self.labels_version:
            object.__setattr__(self, "labels_version", labels_version(self.labels))

    @property
    def size(self) -> InputSize:
        """The input's size in pixels."""
        return InputSize(self.width, self.height)

    @property
    def form(self) -> OutputForm:
        """What the numbers of its output are."""
        return OutputForm(self.box_units, self.scores)

    @property
    def signature(self) -> Signature:
        """Its input and output."""
        planes = (3, self.height, self.width) if self.layout == "NCHW" else (self.height, self.width, 3)
        return Signature(self.input_name, planes, self.dtype, (self.output_name,), self.batch)

    def to_json(self) -> str:
        """Write the spec as JSON, the same text for the same spec."""
        return spec_text(self, SPEC_FORMAT)

    @classmethod
    def from_json(cls, text: str, where: str = SPEC_FILE) -> Self:
        """Read what `to_json` wrote.

        Args:
            text: The JSON.
            where: Names the source in errors.

        Raises:
            SightlineError: Not JSON, or a field is missing, unknown or of a wrong value.
        """
        try:
            return cls._from_fields(spec_fields(text, cls, SPEC_FORMAT), where)
        except (TypeError, ValueError, KeyError) as error:
            raise SightlineError(
                f"The model's metadata {where} cannot be used: {error}.",
                "Write it anew from the ONNX file with its head and labels.",
            ) from error

    @classmethod
    def _from_fields(cls, data: Mapping[str, Any], where: str) -> Self:
        told = dict(data["preprocessing"])
        channels = {name: tuple(told[name]) for name in ("mean", "deviation") if name in told}
        preprocessing = Preprocessing(**{**told, **channels})
        labels = check_labels([str(name) for name in data["labels"]], where)
        spec = cls(**{**data, "head": Head(data["head"]), "labels": labels, "preprocessing": preprocessing})
        spec._check()
        return spec

    def _check(self) -> None:
        preprocessing = self.preprocessing
        allowed: tuple[tuple[str, object, tuple[object, ...]], ...] = (
            ("layout", self.layout, ("NCHW", "NHWC")),
            ("dtype", self.dtype, ("float32", "float16")),
            ("colour", preprocessing.colour, ("BGR", "RGB")),
            ("position", preprocessing.position, ("top-left", "centre", "stretch")),
            ("box_units", self.box_units, ("pixels", "shares")),
            ("scores", self.scores, ("probabilities", "logits")),
            ("head", self.head, tuple(head for head in Head if head is not Head.NMS)),
        )
        for name, value, choices in allowed:
            if value not in choices:
                raise ValueError(f"{name} is {value!r}, not one of {', '.join(map(str, choices))}")
        whole: tuple[tuple[str, object, int, int], ...] = (
            ("width", self.width, 1, 16_384),
            ("height", self.height, 1, 16_384),
            ("batch", 1 if self.batch is None else self.batch, 1, 1024),
            ("pad_value", preprocessing.pad_value, 0, 255),
        )
        for name, number, least, most in whole:
            if not isinstance(number, int) or not least <= number <= most:
                raise ValueError(f"{name} is {number!r}, not a whole number from {least} to {most}")
        if not isinstance(preprocessing.scale, int | float) or not 0 < preprocessing.scale <= 1:
            raise ValueError(f"scale is {preprocessing.scale!r}, not above 0 and at most 1")
        for name, lowest in (("mean", -1000.0), ("deviation", 1e-6)):
            values = getattr(preprocessing, name)
            good = all(isinstance(value, int | float) and lowest <= value <= 1000 for value in values)
            if len(values) != 3 or not good:
                raise ValueError(f"{name} is {list(values)!r}, not three numbers from {lowest:g} to 1000")


def load_spec(path: Path) -> ModelSpec:
    """Read a model's metadata.

    Args:
        path: The model's folder, or its `model.json`.

    Raises:
        SightlineError: It is missing or cannot be used.
    """
    file = path / SPEC_FILE if path.is_dir() else path
    text = read_spec_file(file, "the model's", "Give a folder that holds model.json and model.onnx.")
    return ModelSpec.from_json(text, str(file))


def save_spec(spec: ModelSpec, folder: Path) -> Path:
    """Write a model's metadata into its folder, which must exist; returns the file's path."""
    path = folder / SPEC_FILE
    path.write_text(spec.to_json(), encoding="utf-8")
    return path


def model_file(path: Path) -> Path:
    """The ONNX file of a model.

    Args:
        path: The file itself; or its folder; or the folder of a Triton model, in which each version has a
            folder with a number for a name, and the highest one counts.

    Returns:
        Where the file is, or would be if it is missing.
    """
    if not path.is_dir() or (path / MODEL_FILE).is_file():
        return path / MODEL_FILE if path.is_dir() else path
    versions = [folder for folder in path.iterdir() if folder.name.isdecimal()]
    newest = max(versions, key=lambda folder: int(folder.name), default=path)
    return newest / MODEL_FILE

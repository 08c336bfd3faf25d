"""What an appearance network is: the facts that its crops and its two heads must fit, kept beside its file.

One network looks at each detected object once. Its embedding tells individuals apart (re-identification), its
probabilities tell what kind of object it is. `sightline.vision.crops` cuts what it sees.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from sightline.errors import SightlineError
from sightline.vision.backend import Signature
from sightline.vision.labels import check_labels
from sightline.vision.model import MODEL_FILE, Colour, model_file
from sightline.vision.spec_json import read_spec_file, spec_fields, spec_text

APPEARANCE_FILE: Final = "appearance.json"
APPEARANCE_FORMAT: Final = 1
MAX_EMBEDDING: Final = 2048
MAX_SIDE_PX: Final = 1024
MAX_ATTRIBUTES: Final = 1024


@dataclass(frozen=True)
class AppearanceSpec:
    """All that is needed to feed an appearance network and to read its outputs.

    Its input is float32 (N, 3, height, width) for any N: each object's box, cut from the full picture and
    stretched to the input's size (`sightline.vision.crops`), in levels 0..255 times `scale`.

    Attributes:
        attributes: What the C columns of the probabilities mean, such as `car-red`.
        embedding_width: D, the elements of an embedding.
        width: Its input's width in pixels.
        height: Its input's height in pixels.
        input_name: The input tensor's name.
        embedding_name: The output with the embeddings, float32 (N, D).
        probabilities_name: The output with the probabilities, float32 (N, C) in 0..1.
        colour: The channels' order in the input.
        scale: Levels 0..255 are multiplied by this.
    """

    attributes: tuple[str, ...]
    embedding_width: int
    width: int = 64
    height: int = 64
    input_name: str = "crops"
    embedding_name: str = "embedding"
    probabilities_name: str = "probabilities"
    colour: Colour = "RGB"
    scale: float = 1 / 255

    @property
    def signature(self) -> Signature:
        """Its input and outputs, the embeddings first."""
        outputs = (self.embedding_name, self.probabilities_name)
        return Signature(self.input_name, (3, self.height, self.width), "float32", outputs)

    def to_json(self) -> str:
        """Write the spec as JSON, the same text for the same spec."""
        return spec_text(self, APPEARANCE_FORMAT)

    @classmethod
    def from_json(cls, text: str, where: str = APPEARANCE_FILE) -> Self:
        """Read what `to_json` wrote.

        Args:
            text: The JSON.
            where: Names the source in errors.

        Raises:
            SightlineError: Not JSON, or a field is missing, unknown or of a wrong value.
        """
        try:
            return cls._from_fields(spec_fields(text, cls, APPEARANCE_FORMAT), where)
        except (TypeError, ValueError, KeyError) as error:
            raise SightlineError(
                f"The appearance network's metadata {where} cannot be used: {error}.",
                "Write it anew; docs/models.md names its fields.",
            ) from error

    @classmethod
    def _from_fields(cls, data: Mapping[str, Any], where: str) -> Self:
        attributes = check_labels([str(name) for name in data["attributes"]], where)
        spec = cls(**{**data, "attributes": attributes})
        spec._check()
        return spec

    def _check(self) -> None:
        if self.colour not in ("BGR", "RGB"):
            raise ValueError(f"colour is {self.colour!r}, not one of BGR, RGB")
        whole: tuple[tuple[str, object, int], ...] = (
            ("embedding_width", self.embedding_width, MAX_EMBEDDING),
            ("width", self.width, MAX_SIDE_PX),
            ("height", self.height, MAX_SIDE_PX),
        )
        for name, number, most in whole:
            if not isinstance(number, int) or not 1 <= number <= most:
                raise ValueError(f"{name} is {number!r}, not a whole number from 1 to {most}")
        if len(self.attributes) > MAX_ATTRIBUTES:
            raise ValueError(f"it has {len(self.attributes)} attributes, more than {MAX_ATTRIBUTES}")
        if not isinstance(self.scale, int | float) or not 0 < self.scale <= 1:
            raise ValueError(f"scale is {self.scale!r}, not above 0 and at most 1")
        for name in ("input_name", "embedding_name", "probabilities_name"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise ValueError(f"{name} is {getattr(self, name)!r}, not a tensor's name")


def load_appearance_spec(path: Path) -> AppearanceSpec:
    """Read an appearance network's metadata.

    Args:
        path: The network's folder, or its `appearance.json`.

    Raises:
        SightlineError: It is missing or cannot be used.
    """
    file = path / APPEARANCE_FILE if path.is_dir() else path
    text = read_spec_file(
        file, "the appearance network's", f"Give a folder that holds {APPEARANCE_FILE} and {MODEL_FILE}."
    )
    return AppearanceSpec.from_json(text, str(file))


def save_appearance_spec(spec: AppearanceSpec, folder: Path) -> Path:
    """Write an appearance network's metadata into its folder, which must exist; returns the file's path."""
    path = folder / APPEARANCE_FILE
    path.write_text(spec.to_json(), encoding="utf-8")
    return path


def is_appearance(path: Path) -> bool:
    """Whether a folder, as `model_file` takes, says that it holds an appearance network."""
    return (model_file(path).parent / APPEARANCE_FILE).is_file()


def find_appearance(path: Path) -> tuple[Path, AppearanceSpec]:
    """Find an appearance network's ONNX file and say what it is.

    Args:
        path: An ONNX file with `appearance.json` beside it, or a folder as `model_file` takes.

    Raises:
        SightlineError: One of the files is missing, or the metadata cannot be used.
    """
    file = model_file(path)
    if not file.is_file():
        raise SightlineError(
            f"There is no appearance network at {file}.",
            f"Give a folder that holds {MODEL_FILE} and {APPEARANCE_FILE}.",
        )
    return file, load_appearance_spec(file.parent)

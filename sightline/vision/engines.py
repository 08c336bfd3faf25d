"""Where built engines are kept: beside their ONNX file, each with what it was built for and how well it does.

An engine runs with one version of TensorRT on one kind of GPU. So its name holds a digest of all it depends
on, and one that does not fit is not found rather than tried.
"""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from sightline.errors import SightlineError
from sightline.vision.backend import Signature
from sightline.vision.cuda import Cuda, Gpu
from sightline.vision.tensorrt_backend import TensorRtBackend
from sightline.vision.tensorrt_build import BatchProfile, Precision
from sightline.vision.tensorrt_library import import_tensorrt

ENGINES_DIR: Final = "engines"
"""The folder beside the ONNX file."""

FASTEST_FIRST: Final[tuple[Precision, ...]] = ("int8", "fp16", "fp32")


@dataclass(frozen=True)
class EngineKey:
    """All that an engine depends on.

    Attributes:
        onnx_sha256: Of the original ONNX file, in hexadecimal.
        tensorrt: TensorRT's whole version.
        gpu: The GPU's name.
        capability: Its compute capability.
        precision: The narrowest type in it.
        profile: The batch sizes that it takes.
    """

    onnx_sha256: str
    tensorrt: str
    gpu: str
    capability: tuple[int, int]
    precision: Precision
    profile: BatchProfile

    @property
    def name(self) -> str:
        """A file name: precision and GPU to be read, and a digest of everything."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]
        gpu = re.sub(r"[^a-z0-9]+", "-", self.gpu.lower()).strip("-")
        return f"{self.precision}-{gpu}-{digest}"


@dataclass(frozen=True)
class Measure:
    """One figure of a network before and after its conversion.

    Attributes:
        name: What was measured, as `sightline models eval --json` calls it.
        original: The original's figure, 0..1; above `chance`.
        converted: The converted network's.
        chance: What a network that never looks would get.
    """

    name: str
    original: float
    converted: float
    chance: float = 0.0

    @property
    def kept(self) -> float:
        """The share of what the original is better than chance that is left, from 0 up."""
        return max(0.0, (self.converted - self.chance) / (self.original - self.chance))


@dataclass(frozen=True)
class Accuracy:
    """How an engine did against the ONNX file it was built from, on the same pictures.

    Attributes:
        measures: What a network of this kind is for, one or more.
        pictures: How many pictures there were, of scenes or of single objects.
        truth: What both were compared with.
        forced: It was too bad to pass, and its user wanted it all the same.
    """

    measures: tuple[Measure, ...]
    pictures: int
    truth: Literal["labels", "original"]
    forced: bool = False

    @property
    def worst(self) -> Measure:
        """The measure that lost the most, which the conversion is judged by."""
        return min(self.measures, key=lambda measure: measure.kept)

    @property
    def kept(self) -> float:
        """The share of the original's accuracy that is left."""
        return self.worst.kept

    def as_json(self) -> dict[str, Any]:
        """What is written beside a converted network."""
        return {
            "kept": round(self.kept, 4),
            "measures": {
                measure.name: {
                    "original": round(measure.original, 4),
                    "converted": round(measure.converted, 4),
                    "chance": round(measure.chance, 4),
                }
                for measure in self.measures
            },
            "pictures": self.pictures,
            "truth": self.truth,
            "forced": self.forced,
        }


def file_sha256(path: Path) -> str:
    """The digest of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_engine(onnx: Path, key: EngineKey, plan: bytes, accuracy: Accuracy) -> Path:
    """Keep an engine beside its ONNX file; returns its path. The description is written last.

    Raises:
        SightlineError: The folder cannot be written.
    """
    path = onnx.parent / ENGINES_DIR / f"{key.name}.plan"
    told = {**asdict(key), "accuracy": accuracy.as_json()}
    try:
        path.parent.mkdir(exist_ok=True)
        _write(path, plan)
        _write(path.with_suffix(".json"), (json.dumps(told, indent=2) + "\n").encode())
    except OSError as error:
        raise SightlineError(
            f"Cannot keep the engine {path}: {error.strerror}.", "Check the folder's rights and space."
        ) from error
    return path


def find_engine(
    onnx: Path, tensorrt: str, gpu: Gpu, precision: Precision | None = None, folder: Path | None = None
) -> Path:
    """Find the fastest engine that fits this machine.

    Args:
        onnx: The ONNX file that it was built from.
        tensorrt: TensorRT's whole version.
        gpu: The GPU.
        precision: The only one to take; None for the narrowest there is.
        folder: Where engines are kept; None for beside the ONNX file.

    Raises:
        SightlineError: There is none.
    """
    digest = file_sha256(onnx)
    fitting: dict[Any, Path] = {}
    for path, told in _described(folder or onnx.parent / ENGINES_DIR):
        there = (told.get("onnx_sha256"), told.get("tensorrt"), told.get("gpu"), told.get("capability"))
        if there == (digest, tensorrt, gpu.name, list(gpu.capability)):
            fitting[told.get("precision")] = path
    for wanted in FASTEST_FIRST if precision is None else (precision,):
        if wanted in fitting:
            return fitting[wanted]
    flag = "" if precision in (None, "fp32") else f" --{precision}"
    raise SightlineError(
        f"There is no {f'{precision} ' if precision else ''}engine of {onnx} for {gpu.name} and TensorRT "
        f"{tensorrt}.",
        f"Build one on this machine: `sightline models build {onnx.parent} --target tensorrt{flag}`.",
    )


def is_built(onnx: Path, precision: Precision | None = None, folder: Path | None = None) -> bool:
    """Whether an engine was built from an ONNX file, for any machine; see `find_engine`."""
    digest = file_sha256(onnx)
    return any(
        told.get("onnx_sha256") == digest and precision in (None, told.get("precision"))
        for _, told in _described(folder or onnx.parent / ENGINES_DIR)
    )


def open_engine(
    onnx: Path, signature: Signature, precision: Precision | None = None, folder: Path | None = None
) -> TensorRtBackend:
    """Load the engine of an ONNX file that fits this machine; see `find_engine`.

    Raises:
        SightlineError: TensorRT, a GPU, or an engine is missing.
    """
    library = import_tensorrt()
    cuda = Cuda()
    try:
        path = find_engine(onnx, library.__version__, cuda.gpu, precision, folder)
        return TensorRtBackend(library, cuda, path.read_bytes(), signature, str(path))
    except BaseException:
        cuda.close()
        raise


def _described(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The engines with a description that can be read, oldest first: the newest of equals is taken."""
    files = sorted(folder.glob("*.json"), key=lambda file: (file.stat().st_mtime_ns, file.name))
    for file in files:
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(told, dict) and file.with_suffix(".plan").is_file():
            yield file.with_suffix(".plan"), told


def _write(path: Path, data: bytes) -> None:
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix + ".part")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(scratch).replace(path)

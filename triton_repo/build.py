"""`sightline models build`: convert a detector for where it will run, and keep it if it is good enough."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.backend import Backend
from sightline.vision.cuda import Cuda
from sightline.vision.describe import find_model
from sightline.vision.detector import Detector
from sightline.vision.engines import Accuracy, EngineKey, file_sha256, save_engine
from sightline.vision.heads import default_nms_iou
from sightline.vision.model import ModelSpec
from sightline.vision.model_configs import TensorForm
from sightline.vision.onnx_backend import OnnxBackend, OnnxOptions
from sightline.vision.preprocess import Preprocessor
from sightline.vision.tensorrt_backend import TensorRtBackend
from sightline.vision.tensorrt_build import BatchProfile, Precision, build_engine
from sightline.vision.tensorrt_library import import_tensorrt
from triton_repo.gate import LEAST_SCORE, check, compare
from triton_repo.model_folder import model_folder
from triton_repo.onnx_files import load_onnx
from triton_repo.pictures import Pictures
from triton_repo.precision import to_fp16, to_int8

Target = Literal["tensorrt", "onnx"]

SHIPPED: Final = Path(__file__).parent / "detector"


@dataclass(frozen=True)
class BuildRequest:
    """What the user asks for.

    Attributes:
        folder: The model's folder.
        target: What the result is for: TensorRT on this machine's GPU, or ONNX Runtime anywhere.
        precision: The narrowest type.
        max_batch: The largest batch of a TensorRT engine.
        force: Keep the result however bad it is.
    """

    folder: Path
    target: Target
    precision: Precision
    max_batch: int = 32
    force: bool = False


@dataclass(frozen=True)
class Built:
    """What was made.

    Attributes:
        path: The engine, or the new model's folder.
        accuracy: How it does against its original.
        megabytes: Its size.
        build_s: How long the conversion took, without the measuring.
    """

    path: Path
    accuracy: Accuracy
    megabytes: float
    build_s: float


def build(request: BuildRequest, pictures: Callable[[ModelSpec], Pictures]) -> Built:
    """Convert a detector, measure the result against its original, and write it.

    Args:
        request: What to build.
        pictures: Gives the pictures for a model; only called once all else that is needed is there.

    Raises:
        SightlineError: Something that is needed is missing, or the result is not good enough.
    """
    onnx, spec = find_model(request.folder)
    if request.target == "tensorrt":
        return _build_tensorrt(request, onnx, spec, pictures)
    if request.precision == "fp32":
        raise SightlineError("The model is an ONNX file already.", "Give --fp16 or --int8.")
    return _build_onnx(request, onnx, spec, pictures)


def _build_tensorrt(
    request: BuildRequest, onnx: Path, spec: ModelSpec, pictures: Callable[[ModelSpec], Pictures]
) -> Built:
    library = import_tensorrt()
    with ExitStack() as resources:
        # First the GPU, then the library: without one TensorRT ends the process instead of raising.
        cuda = Cuda()
        resources.callback(cuda.close)
        shown = pictures(spec)
        started = time.monotonic()
        profile = BatchProfile.up_to(request.max_batch, spec)
        converted = _convert(onnx, spec, request.precision, shown)
        plan = build_engine(library, converted, spec, profile, request.precision)
        build_s = time.monotonic() - started
        backend = resources.enter_context(TensorRtBackend(library, cuda, plan, spec, "just built"))
        accuracy = _judge(request, onnx, spec, backend, shown)
        key = EngineKey(
            file_sha256(onnx),
            library.__version__,
            cuda.gpu.name,
            cuda.gpu.capability,
            request.precision,
            profile,
        )
        return Built(save_engine(onnx, key, plan, accuracy), accuracy, len(plan) / 1e6, build_s)


def _build_onnx(
    request: BuildRequest, onnx: Path, spec: ModelSpec, pictures: Callable[[ModelSpec], Pictures]
) -> Built:
    target = request.folder.absolute()
    target = target.with_name(f"{target.name}-{request.precision}")
    shown = pictures(spec)
    started = time.monotonic()
    data = _convert(onnx, spec, request.precision, shown)
    build_s = time.monotonic() - started
    with model_folder(target, data, spec, _output_form(onnx, spec)) as draft:
        with OnnxBackend(draft, OnnxOptions(), [spec.output_name]) as backend:
            accuracy = _judge(request, onnx, spec, backend, shown)
        told = {**asdict(accuracy), "kept": round(accuracy.kept, 4), "onnx_sha256": file_sha256(onnx)}
        (draft.parent / "accuracy.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return Built(target, accuracy, len(data) / 1e6, build_s)


def _output_form(onnx: Path, spec: ModelSpec) -> TensorForm:
    """What the model gives for one picture; a conversion changes nothing of it."""
    planes = (3, spec.height, spec.width) if spec.layout == "NCHW" else (spec.height, spec.width, 3)
    with OnnxBackend(onnx, OnnxOptions(), [spec.output_name]) as backend:
        (output,) = backend.infer(np.zeros((1, *planes), spec.dtype))
    return TensorForm(output.shape[1:], str(output.dtype))


def _convert(onnx: Path, spec: ModelSpec, precision: Precision, shown: Pictures) -> bytes:
    model = load_onnx(onnx)
    if precision == "fp16":
        model = to_fp16(model)
    elif precision == "int8":
        model = to_int8(model, _batches(spec, shown))
    return bytes(model.SerializeToString())


def _batches(spec: ModelSpec, shown: Pictures) -> Iterator[NDArray[Any]]:
    """The calibration pictures as the model sees them, in batches of its size."""
    preprocess = Preprocessor(spec)
    size = spec.batch or 1
    for start in range(0, len(shown.calibration) - size + 1, size):
        batch, _ = preprocess(shown.calibration[start : start + size])
        yield np.array(batch)


def _judge(
    request: BuildRequest, onnx: Path, spec: ModelSpec, converted: Backend, shown: Pictures
) -> Accuracy:
    with OnnxBackend(onnx, OnnxOptions(), [spec.output_name]) as original:
        accuracy = compare(_detector(spec, original), _detector(spec, converted), shown, spec.labels)
    return check(accuracy, f"{request.folder} in {request.precision}", force=request.force)


def _detector(spec: ModelSpec, backend: Backend) -> Detector:
    return Detector(spec, backend, LEAST_SCORE, default_nms_iou(spec.head))

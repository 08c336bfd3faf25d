"""`sightline models build`: convert a network for where it will run, and keep it if it is good enough."""

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sightline.errors import SightlineError
from sightline.vision.appearance import is_appearance
from sightline.vision.backend import Backend
from sightline.vision.cuda import Cuda
from sightline.vision.engines import Accuracy, EngineKey, file_sha256, save_engine
from sightline.vision.onnx_backend import OnnxBackend, OnnxOptions
from sightline.vision.tensorrt_backend import TensorRtBackend
from sightline.vision.tensorrt_build import BatchProfile, Precision, build_engine
from sightline.vision.tensorrt_library import import_tensorrt
from triton_repo.appearance_conversion import AppearanceConversion
from triton_repo.conversion import Conversion, Kind
from triton_repo.detector_conversion import DetectorConversion
from triton_repo.gate import check
from triton_repo.model_folder import model_folder
from triton_repo.onnx_files import load_onnx
from triton_repo.precision import to_fp16, to_int8

Target = Literal["tensorrt", "onnx"]

ACCURACY_FILE: Final = "accuracy.json"


@dataclass(frozen=True)
class BuildRequest:
    """What the user asks for.

    Attributes:
        folder: The network's folder; what is in it says whether it is a detector or an appearance network.
        target: What the result is for: TensorRT on this machine's GPU, or ONNX Runtime anywhere.
        precision: The narrowest type.
        pictures: Folder of pictures to calibrate and measure with; None for the synthetic cameras.
        max_batch: The largest batch of a TensorRT engine.
        force: Keep the result however bad it is.
        to: The new folder's path for ONNX Runtime; None for beside the original's, named by the precision.
    """

    folder: Path
    target: Target
    precision: Precision
    pictures: Path | None = None
    max_batch: int = 32
    force: bool = False
    to: Path | None = None


@dataclass(frozen=True)
class Built:
    """What was made.

    Attributes:
        kind: What the network is for.
        path: The engine, or the new model's folder.
        accuracy: How it does against its original.
        megabytes: Its size.
        build_s: How long the conversion took, without the measuring.
    """

    kind: Kind
    path: Path
    accuracy: Accuracy
    megabytes: float
    build_s: float


def build(request: BuildRequest) -> Built:
    """Convert a network, measure the result against its original, and write it.

    Raises:
        SightlineError: Something that is needed is missing, or the result is not good enough.
    """
    kind = AppearanceConversion if is_appearance(request.folder) else DetectorConversion
    network: Conversion = kind(request.folder, request.pictures)
    if request.target == "tensorrt":
        return _build_tensorrt(request, network)
    if request.precision == "fp32":
        raise SightlineError("The model is an ONNX file already.", "Give --fp16 or --int8.")
    return _build_onnx(request, network)


def _build_tensorrt(request: BuildRequest, network: Conversion) -> Built:
    library = import_tensorrt()
    with ExitStack() as resources:
        # First the GPU, then the library: without one TensorRT ends the process instead of raising.
        cuda = Cuda()
        resources.callback(cuda.close)
        started = time.monotonic()
        profile = BatchProfile.up_to(request.max_batch, network.signature)
        converted = _convert(network, request.precision)
        plan = build_engine(library, converted, network.signature, profile, request.precision)
        build_s = time.monotonic() - started
        backend = resources.enter_context(
            TensorRtBackend(library, cuda, plan, network.signature, "just built")
        )
        accuracy = _judge(request, network, backend)
        key = EngineKey(
            file_sha256(network.onnx),
            library.__version__,
            cuda.gpu.name,
            cuda.gpu.capability,
            request.precision,
            profile,
        )
        path = save_engine(network.onnx, key, plan, accuracy)
        return Built(network.kind, path, accuracy, len(plan) / 1e6, build_s)


def _build_onnx(request: BuildRequest, network: Conversion) -> Built:
    folder = request.folder.absolute()
    target = request.to or folder.with_name(f"{folder.name}-{request.precision}")
    started = time.monotonic()
    data = _convert(network, request.precision)
    build_s = time.monotonic() - started
    with model_folder(target, network.contents(target.name, data)) as draft:
        with OnnxBackend(draft, OnnxOptions(), network.signature.output_names) as backend:
            accuracy = _judge(request, network, backend)
        told = {**accuracy.as_json(), "onnx_sha256": file_sha256(network.onnx)}
        (draft.parent / ACCURACY_FILE).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return Built(network.kind, target, accuracy, len(data) / 1e6, build_s)


def _convert(network: Conversion, precision: Precision) -> bytes:
    model = load_onnx(network.onnx)
    if precision == "fp16":
        model = to_fp16(model)
    elif precision == "int8":
        model = to_int8(model, network.calibration())
    return bytes(model.SerializeToString())


def _judge(request: BuildRequest, network: Conversion, converted: Backend) -> Accuracy:
    with OnnxBackend(network.onnx, OnnxOptions(), network.signature.output_names) as original:
        accuracy = network.compare(original, converted)
    return check(accuracy, f"{request.folder} in {request.precision}", force=request.force)

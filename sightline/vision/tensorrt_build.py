"""Build a TensorRT engine from an ONNX file whose types are final (see `triton_repo/precision.py`).

From version 10 on the network is strongly typed: every layer runs in the type that the file says, which is
the only way that version 11 has. Before, flags allow the types that the file uses.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from sightline.errors import SightlineError
from sightline.vision.backend import Signature
from sightline.vision.tensorrt_library import make_logger

WORKSPACE_BYTES: Final = 1 << 30
"""Scratch memory that a layer's kernels may use."""

Precision = Literal["fp32", "fp16", "int8"]


@dataclass(frozen=True)
class BatchProfile:
    """The batch sizes that an engine takes.

    Attributes:
        least: The smallest.
        best: The one that kernels are chosen for.
        most: The largest; memory is allocated for it.
    """

    least: int
    best: int
    most: int

    @classmethod
    def up_to(cls, most: int, signature: Signature) -> "BatchProfile":
        """1 to `most`, chosen for the largest; the network's own size if it is fixed to one."""
        if signature.batch is not None:
            return cls(signature.batch, signature.batch, signature.batch)
        return cls(1, most, most)


def build_engine(
    library: Any, onnx: bytes, signature: Signature, profile: BatchProfile, precision: Precision
) -> bytes:
    """Build an engine for the GPU that the calling thread uses; takes minutes.

    Args:
        library: The package `tensorrt`, on a machine with a GPU.
        onnx: The ONNX file.
        signature: The network's input and outputs.
        profile: The batch sizes; for a network of a fixed batch size, this size thrice.
        precision: The narrowest type in the file.

    Returns:
        The engine, serialised.

    Raises:
        SightlineError: TensorRT cannot read or build the model; tells its reasons.
    """
    logger = make_logger(library)
    builder = library.Builder(logger)
    network = builder.create_network(_network_flags(library))
    parser = library.OnnxParser(network, logger)
    if not parser.parse(onnx):
        reasons = [parser.get_error(index).desc() for index in range(parser.num_errors)]
        raise _failed("read the model", reasons or logger.problems)
    config = builder.create_builder_config()
    config.set_memory_pool_limit(library.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    for flag in _builder_flags(library, precision):
        config.set_flag(flag)
    _add_profile(builder, config, network, signature, profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise _failed("build an engine", logger.problems)
    return bytes(plan)


def _network_flags(library: Any) -> int:
    flags = library.NetworkDefinitionCreationFlag
    # 8.6 has only the second, 10 has both, 11 ignores the first, as there is no other way.
    flag = flags.STRONGLY_TYPED if _is_strongly_typed(library) else flags.EXPLICIT_BATCH
    return 1 << int(flag)


def _is_strongly_typed(library: Any) -> bool:
    return hasattr(library.NetworkDefinitionCreationFlag, "STRONGLY_TYPED")


def _builder_flags(library: Any, precision: Precision) -> list[Any]:
    """The flags that allow types, which only a weakly typed network takes."""
    if _is_strongly_typed(library) or precision == "fp32":
        return []
    flags = library.BuilderFlag
    return [flags.FP16] if precision == "fp16" else [flags.INT8, flags.FP16]


def _add_profile(
    builder: Any, config: Any, network: Any, signature: Signature, profile: BatchProfile
) -> None:
    found = network.get_input(0)
    if all(axis > 0 for axis in tuple(found.shape)):
        return
    optimization = builder.create_optimization_profile()
    sizes = (profile.least, profile.best, profile.most)
    optimization.set_shape(found.name, *((size, *signature.input_shape) for size in sizes))
    config.add_optimization_profile(optimization)


def _failed(what: str, reasons: list[str]) -> SightlineError:
    why = "; ".join(reason.strip()[:300] for reason in reasons[-3:]) or "it gives no reason"
    return SightlineError(
        f"TensorRT cannot {what}: {why}.",
        "Export the model with another opset, or simplified, or use model.backend onnx with device cuda.",
    )

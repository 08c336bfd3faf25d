"""Triton's `analyzer` as an async client: JPEGs in, detections out."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
READY_TIMEOUT_S = 2.0

_OUTPUTS = ("boxes", "scores", "class_ids", "count", "size", "status")
_APPEARANCE_OUTPUTS = ("embeddings", "probabilities")
_CHANNEL_OPTIONS = [
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # A dead network is noticed after 25 s of an open call. Two pings without data at most: Triton's server
    # closes the connection of a client that pings more.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 2),
    # The default grows to two minutes, in which a Triton that is back would stay idle.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]
_REFUSALS = frozenset(
    str(code)
    for code in (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,  # gRPC's word for a message over the size limit
        grpc.StatusCode.INTERNAL,  # Triton's word for a model that raised
    )
)
_DEADLINE = str(grpc.StatusCode.DEADLINE_EXCEEDED)
_CRASHED = "is not healthy"
"""In Triton's text when the model's process is dead; it comes as an internal error."""


@dataclass(frozen=True)
class Analyzed:
    """What Triton found in one JPEG.

    Attributes:
        boxes: float32 (N, 4), x1 y1 x2 y2 in pixels of the JPEG's picture.
        scores: float32 (N,), 0..1, best first.
        class_ids: uint16 (N,), indices into the names that `AnalyzerClient.labels` gives.
        width: The picture's width in pixels, 0 if there is an error.
        height: The picture's height in pixels, 0 if there is an error.
        error: Why this JPEG has no result, or None.
        embeddings: float16 (N, D), or None if no appearance network ran. A row of zeros: none for this one.
        probabilities: float32 (N, C) in 0..1, or None as above.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.uint16]
    width: int
    height: int
    error: str | None = None
    embeddings: NDArray[np.float16] | None = None
    probabilities: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Labels:
    """The names of what a model finds.

    Attributes:
        version: Name of the label set.
        names: Class names by class id.
        attributes: Names of the columns of `Analyzed.probabilities`; empty if no appearance network runs.
    """

    version: str
    names: Sequence[str]
    attributes: Sequence[str] = ()


class TritonUnavailable(Exception):  # noqa: N818, it is a state to wait out, no fault of a request
    """Triton is away, starting, full, slow, or lost the model's process: the same request may work later."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


class TritonRefused(Exception):  # noqa: N818, as above
    """Triton answered that it will not or cannot do this request."""


class AnalyzerClient:
    """Talks to one Triton over one gRPC connection, with any number of requests in flight.

    Make it and use it inside one running event loop; close it, or use it with `async with`.
    """

    def __init__(self, url: str, model: str = "analyzer") -> None:
        """Set up the connection; nothing is sent yet.

        Args:
            url: Host and port of Triton's gRPC service.
            model: The model's name there.
        """
        self._model = model
        self._client = InferenceServerClient(url, channel_args=_CHANNEL_OPTIONS)

    async def analyze(self, jpegs: Sequence[bytes], timeout_s: float) -> list[Analyzed]:
        """Find objects in JPEGs with one request.

        Args:
            jpegs: At most as many as the model's `max_batch_size` (32), together below 64 MB.
            timeout_s: How long to wait for the answer.

        Returns:
            One result per JPEG, in the same order; a bad JPEG gives one with an error.

        Raises:
            TritonUnavailable: No answer for a reason outside the request: wait and try again.
            TritonRefused: The request itself is refused or makes the model fail.
        """
        if not jpegs:
            return []
        try:
            # No outputs are named, so all come: which there are depends on the networks that run.
            result = await self._client.infer(self._model, [_jpeg_input(jpegs)], client_timeout=timeout_s)
        except (InferenceServerException, grpc.RpcError) as error:
            raise _classify(error) from error
        return _unpack(result, len(jpegs))

    async def labels(self, timeout_s: float = 10.0) -> Labels:
        """Ask for the labels' version, the class names, and the names of the attributes.

        Raises:
            TritonUnavailable: No answer: wait and try again.
            TritonRefused: The model's configuration does not tell them.
        """
        try:
            answer = await self._client.get_model_config(self._model, client_timeout=timeout_s)
        except (InferenceServerException, grpc.RpcError) as error:
            raise _classify(error) from error
        parameters = answer.config.parameters
        names = _names(parameters["labels"].string_value)
        version = parameters["labels_version"].string_value
        if not version or not names:
            raise TritonRefused(
                f"Triton's model {self._model!r} does not tell its class names: its config.pbtxt needs the "
                "parameters labels and labels_version"
            )
        return Labels(version, names, _names(parameters["attributes"].string_value))

    async def is_ready(self) -> bool:
        """Tell whether the model takes requests now.

        Triton calls a model ready whose process is dead, so one request without a picture is sent too. A
        model that is too busy to answer it in 2 s is ready.
        """
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                if not await self._client.is_model_ready(self._model):
                    return False
        except (TimeoutError, InferenceServerException, grpc.RpcError):
            return False
        try:
            await self.analyze([b""], READY_TIMEOUT_S)
        except TritonUnavailable as error:
            return error.timed_out
        except TritonRefused:
            return False
        return True

    async def close(self) -> None:
        """Close the connection; requests in flight fail."""
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _jpeg_input(jpegs: Sequence[bytes]) -> Any:
    # An array of objects made empty: NumPy's own bytes type would cut zeros off the end of a JPEG.
    array = np.empty((len(jpegs), 1), dtype=np.object_)
    array[:, 0] = [bytes(jpeg) for jpeg in jpegs]
    tensor = InferInput("jpeg", list(array.shape), "BYTES")
    tensor.set_data_from_numpy(array)
    return tensor


def _classify(error: Exception) -> TritonUnavailable | TritonRefused:
    """Say whether to wait or to blame the request. What is in doubt is not the request's fault."""
    if isinstance(error, InferenceServerException):
        status, message = str(error.status()), str(error.message())
    else:
        status, message = type(error).__name__, str(error)
    reason = f"{status.removeprefix('StatusCode.')}: {message}"
    if status in _REFUSALS and _CRASHED not in message:
        return TritonRefused(reason)
    return TritonUnavailable(reason, timed_out=status == _DEADLINE)


def _names(text: str) -> tuple[str, ...]:
    """Read a JSON list of names; empty if it is none."""
    try:
        names = json.loads(text)
    except ValueError:
        return ()
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def _unpack(result: Any, count: int) -> list[Analyzed]:
    arrays: dict[str, NDArray[Any]] = {}
    for name in (*_OUTPUTS, *_APPEARANCE_OUTPUTS):
        array = result.as_numpy(name)
        if array is not None:
            arrays[name] = array
    if not arrays.keys() >= set(_OUTPUTS) or any(len(array) != count for array in arrays.values()):
        raise TritonRefused(f"Triton's answer does not fit a request of {count} JPEGs")
    return [_item({name: array[row] for name, array in arrays.items()}) for row in range(count)]


def _item(row: Mapping[str, NDArray[Any]]) -> Analyzed:
    found = int(row["count"][0])
    listed = [row[name] for name in ("boxes", "scores", "class_ids", *_APPEARANCE_OUTPUTS) if name in row]
    if not 0 <= found <= min(map(len, listed)):
        raise TritonRefused(f"Triton's answer counts {found} detections and has {len(row['boxes'])}")
    width, height = row["size"].tolist()
    return Analyzed(
        boxes=row["boxes"][:found],
        scores=row["scores"][:found],
        class_ids=row["class_ids"][:found],
        width=width,
        height=height,
        error=bytes(row["status"][0]).decode("utf-8", "replace") or None,
        embeddings=row["embeddings"][:found] if "embeddings" in row else None,
        probabilities=row["probabilities"][:found] if "probabilities" in row else None,
    )

"""The little of CUDA that feeding a GPU takes: memory, page-locked memory, one stream, and who the GPU is.

Through the driver's own library, `libcuda.so.1`, by ctypes. It has one name and one binary interface wherever
there is an NVIDIA driver, on a Jetson and on a server; the runtime library (`libcudart`) has a name per
version, and the package cuda-python must fit driver and TensorRT. A dozen functions need neither.

TensorRT works in the device's primary context, so that is the one used here.
"""

import ctypes
from collections.abc import Callable, Mapping
from ctypes import POINTER, c_char, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError

LIBRARY: Final = "libcuda.so.1"

_NO_DEVICE: Final = 100
_CAPABILITY_MAJOR: Final = 75
_CAPABILITY_MINOR: Final = 76

PROTOTYPES: Final[Mapping[str, tuple[Any, ...]]] = {
    "cuInit": (c_uint,),
    "cuDeviceGet": (POINTER(c_int), c_int),
    "cuDeviceGetName": (POINTER(c_char), c_int, c_int),
    "cuDeviceGetAttribute": (POINTER(c_int), c_int, c_int),
    "cuDevicePrimaryCtxRetain": (POINTER(c_void_p), c_int),
    "cuDevicePrimaryCtxRelease_v2": (c_int,),
    "cuCtxSetCurrent": (c_void_p,),
    "cuMemAlloc_v2": (POINTER(c_uint64), c_size_t),
    "cuMemFree_v2": (c_uint64,),
    "cuMemHostAlloc": (POINTER(c_void_p), c_size_t, c_uint),
    "cuMemFreeHost": (c_void_p,),
    "cuMemcpyHtoDAsync_v2": (c_uint64, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_uint64, c_size_t, c_void_p),
    "cuStreamCreate": (POINTER(c_void_p), c_uint),
    "cuStreamSynchronize": (c_void_p,),
    "cuStreamDestroy_v2": (c_void_p,),
    "cuGetErrorName": (c_int, POINTER(c_char_p)),
}
"""The arguments of the driver's functions (CUDA Driver API); each returns an int, 0 if all is well."""


@dataclass(frozen=True)
class Gpu:
    """Which GPU it is.

    Attributes:
        name: As NVIDIA calls it.
        capability: Its compute capability, major and minor.
    """

    name: str
    capability: tuple[int, int]


@dataclass(frozen=True)
class Buffer:
    """Memory for one tensor, on both sides.

    Attributes:
        host: A page-locked array: the GPU copies from it and to it by itself.
        device: The address on the GPU.
    """

    host: NDArray[Any]
    device: int


class Cuda:
    """One GPU, one stream, and the memory that it was asked for. For one thread at a time."""

    def __init__(self, library: Any | None = None, device: int = 0) -> None:
        """Take a GPU.

        Args:
            library: The driver, as `ctypes.CDLL` gives it; None to load it.
            device: The GPU's number.

        Raises:
            SightlineError: There is no driver or no such GPU.
        """
        self._library = _declared(library if library is not None else _load())
        self._ends: list[Callable[[], None]] = []
        if self._library.cuInit(0) == _NO_DEVICE:
            raise _no_gpu("the driver sees none")
        self._device = c_int()
        if self._library.cuDeviceGet(ctypes.byref(self._device), device) != 0:
            raise _no_gpu(f"there is none with number {device}")
        self._context = c_void_p()
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), self._device)
        self._ends.append(partial(self._library.cuDevicePrimaryCtxRelease_v2, self._device))
        self.use()
        handle = c_void_p()
        self._call("cuStreamCreate", ctypes.byref(handle), 0)
        self._ends.append(partial(self._library.cuStreamDestroy_v2, handle))
        self.stream: int = handle.value or 0

    @property
    def gpu(self) -> Gpu:
        """Which GPU it is."""
        name = ctypes.create_string_buffer(256)
        self._call("cuDeviceGetName", name, len(name), self._device)
        major, minor = (self._attribute(number) for number in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR))
        return Gpu(name.value.decode("utf-8", "replace"), (major, minor))

    def use(self) -> None:
        """Make this GPU the calling thread's; every thread that works with it does so first."""
        self._call("cuCtxSetCurrent", self._context)

    def buffer(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Buffer:
        """Allocate memory for a tensor, on both sides; it lives until `close`."""
        size = int(np.prod(shape)) * dtype.itemsize
        device, host = c_uint64(), c_void_p()
        self._call("cuMemAlloc_v2", ctypes.byref(device), size)
        self._ends.append(partial(self._library.cuMemFree_v2, device.value))
        self._call("cuMemHostAlloc", ctypes.byref(host), size, 0)
        self._ends.append(partial(self._library.cuMemFreeHost, host))
        raw: Any = (ctypes.c_uint8 * size).from_address(host.value or 0)
        return Buffer(np.frombuffer(raw, dtype).reshape(shape), device.value)

    def send(self, buffer: Buffer, rows: int) -> None:
        """Start to copy the first rows of a buffer to the GPU."""
        size = rows * buffer.host[0].nbytes
        self._call("cuMemcpyHtoDAsync_v2", buffer.device, buffer.host.ctypes.data, size, self.stream)

    def fetch(self, buffer: Buffer, rows: int) -> None:
        """Start to copy the first rows of a buffer from the GPU."""
        size = rows * buffer.host[0].nbytes
        self._call("cuMemcpyDtoHAsync_v2", buffer.host.ctypes.data, buffer.device, size, self.stream)

    def wait(self) -> None:
        """Wait until the stream has done all that it was given."""
        self._call("cuStreamSynchronize", self.stream)

    def close(self) -> None:
        """Give everything back, newest first. No buffer may be used any more."""
        if self._ends:
            self.use()
        while self._ends:
            self._ends.pop()()

    def _attribute(self, number: int) -> int:
        value = c_int()
        self._call("cuDeviceGetAttribute", ctypes.byref(value), number, self._device)
        return value.value

    def _call(self, name: str, *arguments: Any) -> None:
        code = getattr(self._library, name)(*arguments)
        if code != 0:
            told = c_char_p()
            self._library.cuGetErrorName(code, ctypes.byref(told))
            reason = told.value.decode() if told.value else f"error {code}"
            fix = "The GPU's memory is full: end what else uses it, or build with a smaller --max-batch."
            raise SightlineError(
                f"CUDA's {name} failed: {reason}.",
                fix if "OUT_OF_MEMORY" in reason else "See the kernel's log (`dmesg`) for the GPU's state.",
            )


def _load() -> Any:
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise _no_gpu(f"its driver ({LIBRARY}) cannot be loaded") from error


def _declared(library: Any) -> Any:
    """Tell ctypes the types: it would cut an address to 32 bits otherwise."""
    for name, arguments in PROTOTYPES.items():
        function = getattr(library, name)
        function.argtypes = arguments
        function.restype = c_int
    return library


def _no_gpu(why: str) -> SightlineError:
    return SightlineError(
        f"No NVIDIA GPU can be used: {why}.",
        "Install NVIDIA's driver (a Jetson has it); in a container pass the GPU in (`--gpus all`, on a "
        "Jetson `--runtime nvidia`); or set model.backend to onnx.",
    )

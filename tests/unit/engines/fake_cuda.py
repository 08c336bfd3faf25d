"""A driver without a GPU: the C functions of libcuda, made of Python, on memory of this process.

They are real C functions with the prototypes of CUDA's driver API, written down apart from the product's.
So a number that is passed in a wrong type or place is seen. Copies happen when the stream is waited for.
"""

import ctypes
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, c_char, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from types import SimpleNamespace
from typing import Any

NAME = b"NVIDIA Fake 9000"
OUT_OF_MEMORY = 2


class FakeDriver:
    """`library` is what `Cuda` takes; the rest tells what was done.

    Attributes:
        calls: The names of the functions that were called, in order.
        live: The addresses that are allocated, with their sizes in bytes.
        pending: What the stream has to do.
    """

    def __init__(self, devices: int = 1, memory: int = 1 << 30) -> None:
        self.calls: list[str] = []
        self.live: dict[int, int] = {}
        self.pending: list[Callable[[], object]] = []
        self.streams: set[int] = set()
        self.contexts = 0
        self._devices, self._memory = devices, memory
        self._blocks: dict[int, Any] = {}
        self.library = SimpleNamespace(**dict(self._functions()))

    def _functions(self) -> Any:
        for name, arguments, function in (
            ("cuInit", (c_uint,), lambda _flags: 0 if self._devices else 100),
            ("cuDeviceGet", (POINTER(c_int), c_int), self._device),
            ("cuDeviceGetName", (POINTER(c_char), c_int, c_int), self._name),
            ("cuDeviceGetAttribute", (POINTER(c_int), c_int, c_int), self._attribute),
            ("cuDevicePrimaryCtxRetain", (POINTER(c_void_p), c_int), self._retain),
            ("cuDevicePrimaryCtxRelease_v2", (c_int,), self._release),
            ("cuCtxSetCurrent", (c_void_p,), lambda context: 0 if context == 0xC0 else 201),
            ("cuMemAlloc_v2", (POINTER(c_uint64), c_size_t), self._allocate),
            ("cuMemFree_v2", (c_uint64,), self._free),
            ("cuMemHostAlloc", (POINTER(c_void_p), c_size_t, c_uint), lambda p, n, _f: self._allocate(p, n)),
            ("cuMemFreeHost", (c_void_p,), self._free),
            ("cuMemcpyHtoDAsync_v2", (c_uint64, c_void_p, c_size_t, c_void_p), self._copy),
            ("cuMemcpyDtoHAsync_v2", (c_void_p, c_uint64, c_size_t, c_void_p), self._copy),
            ("cuStreamCreate", (POINTER(c_void_p), c_uint), self._stream),
            ("cuStreamSynchronize", (c_void_p,), self._wait),
            ("cuStreamDestroy_v2", (c_void_p,), self._end_stream),
            ("cuGetErrorName", (c_int, POINTER(c_char_p)), self._error_name),
        ):
            yield name, CFUNCTYPE(c_int, *arguments)(self._recorded(name, function))

    def _recorded(self, name: str, function: Callable[..., int]) -> Callable[..., int]:
        def recorded(*arguments: Any) -> int:
            self.calls.append(name)
            return function(*arguments)

        return recorded

    def _device(self, device: Any, number: int) -> int:
        device[0] = number
        return 0 if number < self._devices else 101

    def _name(self, text: Any, length: int, _device: int) -> int:
        ctypes.memmove(text, NAME + b"\0", min(length, len(NAME) + 1))
        return 0

    def _attribute(self, value: Any, attribute: int, _device: int) -> int:
        value[0] = {75: 9, 76: 1}[attribute]
        return 0

    def _retain(self, context: Any, _device: int) -> int:
        self.contexts += 1
        context[0] = 0xC0
        return 0

    def _release(self, _device: int) -> int:
        self.contexts -= 1
        return 0

    def _allocate(self, address: Any, size: int) -> int:
        if sum(self.live.values()) + size > self._memory:
            return OUT_OF_MEMORY
        block = (ctypes.c_uint8 * size)()
        place = ctypes.addressof(block)
        self._blocks[place], self.live[place] = block, size
        address[0] = place
        return 0

    def _free(self, address: int) -> int:
        del self._blocks[address]
        del self.live[address]
        return 0

    def _copy(self, target: int, source: int, size: int, stream: int) -> int:
        fits = stream in self.streams and max(self._room(target), self._room(source)) >= size
        if not fits or min(self._room(target), self._room(source)) < size:
            return 1
        self.pending.append(lambda: ctypes.memmove(target, source, size))
        return 0

    def _room(self, address: int) -> int:
        return self.live.get(address, 0)

    def _stream(self, stream: Any, _flags: int) -> int:
        self.streams.add(0x57)
        stream[0] = 0x57
        return 0

    def _wait(self, _stream: int) -> int:
        while self.pending:
            self.pending.pop(0)()
        return 0

    def _end_stream(self, stream: int) -> int:
        self.streams.remove(stream)
        return 0

    def _error_name(self, code: int, name: Any) -> int:
        name[0] = b"CUDA_ERROR_OUT_OF_MEMORY" if code == OUT_OF_MEMORY else b"CUDA_ERROR_INVALID_VALUE"
        return 0

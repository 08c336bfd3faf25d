"""The cache folder: what the local stack installs once and uses ever after."""

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sightline.errors import SightlineError

Progress = Callable[[str], None]
"""Called with one short sentence when a slow step begins."""


def silent(_sentence: str) -> None:
    """Tell nobody; the default for a `Progress`."""


def cache_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Return the folder for installs, which need not exist yet.

    Args:
        environ: The environment: `SIGHTLINE_CACHE_DIR` wins, then `XDG_CACHE_HOME`.
        home: The user's home folder, used if neither is set.
    """
    if own := environ.get("SIGHTLINE_CACHE_DIR"):
        return Path(own).expanduser().absolute()
    if shared := environ.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser().absolute() / "sightline"
    return home / ".cache" / "sightline"


def install_once(
    cache: Path, name: str, key: str, build: Callable[[Path], None], progress: Progress = silent
) -> Path:
    """Return the folder `name-key` in the cache, and build it first if it is not there.

    The build goes to a temporary folder beside it that is renamed when it is whole, so a half-finished
    install is never seen. A file lock lets one process build while the others wait for the result.

    Args:
        cache: The cache folder; made if missing.
        name: What is installed, for example `kafka`.
        key: Digest of what the install is made from; another key is another install.
        build: Fills the folder it is given, or raises.
        progress: Told when this process waits for another one.

    Raises:
        SightlineError: The cache folder cannot be written, or whatever `build` raises.
    """
    target = _target(cache, name, key)
    if target.is_dir():
        return target
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _exclusive(cache / f"{target.name}.lock", f"Another process installs {name}: waiting", progress):
            if not target.is_dir():
                _build_beside(target, build)
    except OSError as error:
        raise SightlineError(
            f"Cannot install {name} into the cache folder {cache}: {error.strerror or error}.",
            "Make room or make it writable, or name another folder in SIGHTLINE_CACHE_DIR.",
        ) from error
    return target


def is_installed(cache: Path, name: str, key: str) -> bool:
    """Whether `install_once` would find it there and build nothing."""
    return _target(cache, name, key).is_dir()


def _target(cache: Path, name: str, key: str) -> Path:
    return cache / f"{name}-{key[:16]}"


def _build_beside(target: Path, build: Callable[[Path], None]) -> None:
    # We hold the lock, so a temporary folder of this name was left by a process that died.
    for leftover in target.parent.glob(f".{target.name}.*"):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        build(temporary)
        temporary.chmod(0o755)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


@contextlib.contextmanager
def _exclusive(path: Path, waiting: str, progress: Progress) -> Iterator[None]:
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(waiting)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield  # the lock goes with the file's descriptor, also when this process is killed

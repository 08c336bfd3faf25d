"""What a machine must have before anything is downloaded. `make` runs this file as a script:

    python3 -I sightline/stack/machine.py [GOAL …]

It runs on whatever Python the machine has, before any library is there, and says all that is missing at once.
So it imports the standard library alone, and keeps to the syntax of Python 3.6. The checks are pure functions
of facts; `installing` and `for_triton` gather the facts of this machine.
"""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from enum import Enum
from pathlib import Path
from typing import NamedTuple

OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 14)
OLDEST_GLIBC = (2, 35)
LIBRARIES = ("libstdc++.so.6", "libgcc_s.so.1", "libz.so.1")
"""What the wheels, Java and Triton take from the system beside the C library."""
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux keeps shared memory, not a place for temporary files
SHARED_MEMORY_BYTES = 32 << 20
ENVIRONMENT_BYTES = 2 << 30
UPDATE_BYTES = 256 << 20
DOWNLOADS_BYTES = 1 << 30
CACHE_BYTES = 1 << 30
USES_TRITON = frozenset(("demo", "test", "integration", "e2e", "faults", "faults-short", "soak", "fresh"))
"""Goals of the Makefile that start a Triton server here; a gateway's machine is only installed on."""
_PYTHONS = "{}.{} to {}.{}".format(*OLDEST_PYTHON, *NEWEST_PYTHON)
_ELSEWHERE = "Use a Triton server elsewhere: set SIGHTLINE_TRITON_URL."


class Verdict(Enum):
    """How a check came out."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        subject: What.
        verdict: Whether it will do.
        said: What was found.
        fix: What to do, or "".
    """

    subject: str
    verdict: Verdict
    said: str
    fix: str = ""


class Python(NamedTuple):
    """An interpreter.

    Attributes:
        program: How it was called.
        version: Its major and minor version.
        odd: What makes it one that packages are not built for, such as "a free-threaded build"; or "".
        makes_environments: Whether it has `venv` and `ensurepip`.
    """

    program: str
    version: "tuple[int, int]"
    odd: str
    makes_environments: bool


class Need(NamedTuple):
    """Room that is needed.

    Attributes:
        what: What for.
        folder: Where; it need not exist yet.
        least_bytes: How much.
        named_by: What names another folder, or "".
    """

    what: str
    folder: Path
    least_bytes: int
    named_by: str = ""


def check_python(python: Python, others: "tuple[str, ...]" = (), goals: "tuple[str, ...]" = ()) -> Finding:
    """Check that the packages of `requirements.lock` exist for an interpreter.

    Args:
        python: The interpreter.
        others: Interpreters of this machine that would do.
        goals: What `make` was asked for, for the advice.
    """
    subject = "Python"
    found = "{} is {}".format(python.program, ".".join(map(str, python.version)))
    if OLDEST_PYTHON <= python.version <= NEWEST_PYTHON and not python.odd:
        return Finding(subject, Verdict.GOOD, found)
    odd = f", {python.odd}" if python.odd else ""
    use = "make PYTHON={} {}".format(others[0] if others else "python3.12", " ".join(goals)).rstrip()
    return Finding(
        subject,
        Verdict.BAD,
        "{}{}, and Sightline needs CPython {}.{} to {}.{}.".format(
            found, odd, *OLDEST_PYTHON, *NEWEST_PYTHON
        ),
        f"One is here: {use}"
        if others
        else f"Install one (such as by `uv python install 3.12`), then: {use}",
    )


def check_venv(python: Python) -> Finding:
    """Check that an interpreter can make virtual environments."""
    subject = "virtual environments"
    if python.makes_environments:
        return Finding(subject, Verdict.GOOD, f"{python.program} makes them")
    version = ".".join(map(str, python.version))
    return Finding(
        subject,
        Verdict.BAD,
        f"{python.program} cannot make virtual environments: its modules venv or ensurepip are missing.",
        f"On Debian and Ubuntu: apt install python{version}-venv",
    )


def check_platform(system: str, machine: str, glibc: "tuple[int, int] | None") -> Finding:
    """Check that Triton's server binary can run here.

    Args:
        system: As `sys.platform`.
        machine: As `platform.machine()`.
        glibc: The C library's version, None if it is not glibc.
    """
    subject = "platform of the local Triton"
    if system != "linux" or machine not in ("x86_64", "AMD64"):
        said = f"A local Triton runs on x86-64 Linux only, and this is {machine} {system}."
        return Finding(subject, Verdict.BAD, said, _ELSEWHERE)
    found = "another C library" if glibc is None else "glibc {}.{}".format(*glibc)
    if glibc is None or glibc < OLDEST_GLIBC:
        said = "A local Triton needs glibc {}.{} or newer, and this system has {}.".format(
            *OLDEST_GLIBC, found
        )
        fix = "Take a newer system (Debian 12, Ubuntu 22.04, RHEL 10). Or: " + _ELSEWHERE
        return Finding(subject, Verdict.BAD, said, fix)
    return Finding(subject, Verdict.GOOD, f"{machine} {system}, {found}")


def check_libraries(missing: "tuple[str, ...]") -> Finding:
    """Judge which of the system's shared libraries are not to be found."""
    subject = "shared libraries"
    if not missing:
        return Finding(subject, Verdict.GOOD, ", ".join(LIBRARIES))
    return Finding(
        subject,
        Verdict.BAD,
        "{} cannot be loaded.".format(", ".join(missing)),
        "Install them. Debian and Ubuntu: apt install libstdc++6 libgcc-s1 zlib1g; "
        "Fedora and RHEL: dnf install libstdc++ libgcc zlib",
    )


def check_shared_memory(free_bytes: int) -> Finding:
    """Check that there is room for Triton to hand pictures to its models."""
    subject = "shared memory"
    found = f"{free_bytes >> 20} MiB are free in {SHARED_MEMORY}"
    if free_bytes >= SHARED_MEMORY_BYTES:
        return Finding(subject, Verdict.GOOD, found)
    return Finding(
        subject,
        Verdict.BAD,
        f"Triton needs {SHARED_MEMORY_BYTES >> 20} MiB of shared memory; {found}.",
        "In a container give it more, for example with --shm-size=256m.",
    )


def check_room(needs: "list[Need]") -> "list[Finding]":
    """Check each disk once for all that will lie on it, and that the folders can be written."""
    disks = {}  # type: dict[int, list[Need]]
    for need in needs:
        disks.setdefault(_existing(need.folder).stat().st_dev, []).append(need)
    return [_check_disk(each) for each in disks.values()]


def _check_disk(needs: "list[Need]") -> Finding:
    subject = "disk of {}".format(", ".join(need.what for need in needs))
    where = ", ".join(sorted({str(need.folder) for need in needs}))
    folders = {_existing(need.folder) for need in needs}
    closed = sorted(str(folder) for folder in folders if not os.access(str(folder), os.W_OK))
    named_by = sorted({need.named_by for need in needs} - {""})
    other = ", or name a folder elsewhere with {}".format(" and ".join(named_by)) if named_by else ""
    if closed:
        fix = f"Make it writable{other}."
        return Finding(subject, Verdict.BAD, "{} cannot be written.".format(", ".join(closed)), fix)
    least_bytes = sum(need.least_bytes for need in needs)
    free_bytes = shutil.disk_usage(str(_existing(needs[0].folder))).free
    if free_bytes < least_bytes:
        free = f"Only {free_bytes >> 20} MiB are free on the disk of {where}"
        said = f"{free}; {least_bytes >> 20} MiB are needed."
        return Finding(subject, Verdict.BAD, said, f"Make room{other}.")
    return Finding(subject, Verdict.GOOD, f"{free_bytes >> 30} GiB free at {where}")


def _existing(folder: Path) -> Path:
    here = Path(os.path.abspath(str(folder)))  # noqa: PTH100 - links are followed by what comes after
    # Not `Path.exists`, which raises where a name is too long or a folder is closed.
    return next(each for each in (here, *here.parents) if os.path.exists(str(each)))  # noqa: PTH110


def this_python() -> Python:
    """The interpreter that runs this."""
    odd = ""
    if sys.implementation.name != "cpython":
        odd = sys.implementation.name
    elif sysconfig.get_config_var("Py_GIL_DISABLED"):
        odd = "a free-threaded build"
    elif sys.maxsize < 1 << 32:
        odd = "a 32-bit build"
    makes = all(importlib.util.find_spec(name) is not None for name in ("venv", "ensurepip"))
    return Python(sys.executable, (sys.version_info[0], sys.version_info[1]), odd, makes)


def other_pythons() -> "tuple[str, ...]":
    """Interpreters in PATH that would do, newest first."""
    names = [f"python3.{minor}" for minor in range(NEWEST_PYTHON[1], OLDEST_PYTHON[1] - 1, -1)]
    return tuple(name for name in names if shutil.which(name) and _runs(name))


def _runs(name: str) -> bool:
    # A name in PATH may be a shim without an interpreter behind it.
    quiet = subprocess.DEVNULL
    try:
        argv = [name, "-I", "-c", "import ensurepip, venv"]
        return subprocess.call(argv, stdin=quiet, stdout=quiet, stderr=quiet, timeout=30) == 0
    except (OSError, subprocess.SubprocessError):
        return False


def glibc_version() -> "tuple[int, int] | None":
    """Return the version of glibc that we run on, None on another C library."""
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
        major, minor = version.split(".")[:2]
        return (int(major), int(minor)) if name == "glibc" else None
    except (AttributeError, ValueError, OSError):
        return None


def missing_libraries() -> "tuple[str, ...]":
    """Those of `LIBRARIES` that the loader does not find."""
    return tuple(name for name in LIBRARIES if not _loads(name))


def _loads(name: str) -> bool:
    try:
        import ctypes

        ctypes.CDLL(name)
    except ImportError:
        return True  # nobody to ask
    except OSError:
        return False
    return True


def for_triton() -> "list[Finding]":
    """Look at what a Triton server needs here."""
    try:
        free_bytes = shutil.disk_usage(str(SHARED_MEMORY)).free
    except OSError:
        free_bytes = 0
    platform_ = check_platform(sys.platform, platform.machine(), glibc_version())
    if platform_.verdict is not Verdict.GOOD:
        return [platform_]
    return [platform_, check_libraries(missing_libraries()), check_shared_memory(free_bytes)]


def installing(project: Path, goals: "tuple[str, ...]") -> "list[Finding]":
    """Look at what `make` needs to install Sightline and do what it was asked for."""
    python = this_python()
    fits = check_python(python, (), goals)
    if fits.verdict is Verdict.GOOD:
        findings = [fits, check_venv(python)]
    else:
        findings = [check_python(python, other_pythons(), goals)]
    environment = project / ".venv"
    # One that is there is brought up to date, which takes little more room.
    environment_bytes = UPDATE_BYTES if environment.exists() else ENVIRONMENT_BYTES
    needs = [
        Need("the installed packages", environment, environment_bytes),
        Need("downloads", temporary_folder(), DOWNLOADS_BYTES, "TMPDIR"),
    ]
    if USES_TRITON.intersection(goals):
        needs.append(Need("the cache", _cache_folder(), CACHE_BYTES, "SIGHTLINE_CACHE_DIR"))
        if not os.environ.get("SIGHTLINE_TRITON_URL"):
            findings += for_triton()
    return findings + check_room(needs)


def temporary_folder() -> Path:
    """Return the folder for temporary files, also if it cannot be used."""
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return Path(os.environ.get("TMPDIR", "/tmp"))  # noqa: S108 - asked for its room


def _cache_folder() -> Path:
    # As `cache.cache_folder`, which this file cannot import.
    own = os.environ.get("SIGHTLINE_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(own))  # noqa: PTH111 - never fails, also without a home


def told(lacks: "list[Finding]") -> str:
    """What is missing, for people: each thing and what to do about it."""
    lines = ["This machine lacks {}:".format("one thing" if len(lacks) == 1 else f"{len(lacks)} things")]
    for lack in lacks:
        lines += [f"- {lack.said}", *([f"  {lack.fix}"] if lack.fix else [])]
    return "\n".join(lines)


def main(goals: "tuple[str, ...]") -> int:
    """Say what is missing, if anything is; 1 if so."""
    lacks = [each for each in installing(Path.cwd(), goals) if each.verdict is Verdict.BAD]
    if not lacks:
        return 0
    sys.stderr.write(f"Error: {told(lacks)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:])))

"""The Python that Triton's models run on: one that fits the server's stubs and the models' packages."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import SightlineError

# The server has stubs for 3.8 to 3.13. The models need numpy 1.26, because its stubs cannot read strings from
# NumPy 2, and that has wheels up to 3.12; the other packages need 3.11.
VERSIONS = ((3, 11), (3, 12))

_FIX = (
    "Install Python 3.11 or 3.12 with its shared library (Debian and Ubuntu: python3.11-venv and "
    "libpython3.11; uv: `uv python install 3.12`), or use a Triton server elsewhere: "
    "set SIGHTLINE_TRITON_URL."
)
_ASK = """
import ctypes, json, os, sys, sysconfig
name = f"libpython{sys.version_info[0]}.{sys.version_info[1]}.so.1.0"
var = sysconfig.get_config_var
lib = var("LIBDIR") or ""
folders = [lib, os.path.join(sys.base_prefix, "lib"), os.path.join(lib, var("MULTIARCH") or "")]
found = [folder for folder in folders if folder and os.path.exists(os.path.join(folder, name))]
if not found:
    try:
        ctypes.CDLL(name)
        found = [""]
    except OSError:
        pass
print(json.dumps([list(sys.version_info[:2]), found[0] if found else None, name]))
"""


@dataclass(frozen=True, slots=True)
class StubPython:
    """An interpreter for the models.

    Attributes:
        program: The interpreter.
        version: Its major and minor version.
        library_dir: The folder of its shared library, None if the loader finds it by itself.
    """

    program: Path
    version: tuple[int, int]
    library_dir: Path | None

    @property
    def version_text(self) -> str:
        """The version as `3.11`."""
        return f"{self.version[0]}.{self.version[1]}"


def find_stub_python(configured: Path | None = None) -> StubPython:
    """Return the interpreter for the models: the configured one, ours, or another one of this machine.

    Raises:
        SightlineError: None fits; the message tells what is wrong with each that was tried.
    """
    reasons: list[str] = []
    for program in [configured] if configured is not None else _candidates():
        answer = _ask(program)
        if isinstance(answer, StubPython):
            return answer
        reasons.append(answer)
    raise SightlineError("Triton's models need another Python: " + "; ".join(reasons) + ".", _FIX)


def _candidates() -> Iterable[Path]:
    # The base interpreter, not that of our virtual environment: the models' one is made from it.
    seen: set[Path] = set()
    base = Path(getattr(sys, "_base_executable", None) or sys.executable)
    named = [shutil.which(f"python{major}.{minor}") for major, minor in VERSIONS]
    managed = (Path.home() / ".local/share/uv/python").glob("cpython-3.1[12]*/bin/python3.1[12]")
    for program in (base, *(Path(each) for each in named if each), *sorted(managed)):
        if (real := program.resolve()) not in seen:
            seen.add(real)
            yield program


def _ask(program: Path) -> StubPython | str:
    """The interpreter if it fits, else a few words on why not."""
    try:
        answer = subprocess.run(
            [program, "-I", "-c", _ASK], capture_output=True, text=True, timeout=60, check=True
        )
        version, folder, library = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return f"{program} does not work ({error})"
    if tuple(version) not in VERSIONS:
        return f"{program} is {version[0]}.{version[1]}, and 3.11 or 3.12 is needed"
    if folder is None:
        return f"{program} has no {library}"
    return StubPython(program, (version[0], version[1]), Path(folder) if folder else None)

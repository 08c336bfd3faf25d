"""TensorRT's Python package: where it comes from, and what its versions have."""

import importlib
import re
from typing import Any, Final

from sightline.errors import SightlineError

OLDEST: Final = (8, 6)
"""The first with named tensors in all that is used here, and `execute_async_v3`."""

INSTALL: Final = (
    "On a Jetson it comes with JetPack: `sudo apt install python3-libnvinfer`, and an environment made with "
    "`python3 -m venv --system-site-packages`. On a server: `pip install 'sightline[tensorrt]'`, or "
    "`pip install tensorrt-cu12` for a driver of CUDA 12 and `tensorrt-cu13` for one of CUDA 13."
)


def import_tensorrt() -> Any:
    """Import the package `tensorrt`.

    Raises:
        SightlineError: It is missing, cannot be loaded, or is too old; says what to install.
    """
    try:
        library = importlib.import_module("tensorrt")
    except (ImportError, OSError) as error:
        raise SightlineError(f"TensorRT cannot be imported: {error}.", INSTALL) from error
    if version_of(library) < OLDEST:
        raise SightlineError(
            f"TensorRT {library.__version__} is too old: {'.'.join(map(str, OLDEST))} or newer is needed.",
            INSTALL,
        )
    return library


def version_of(library: Any) -> tuple[int, int]:
    """Major and minor version."""
    major, minor = re.match(r"(\d+)\.(\d+)", library.__version__ + ".0").groups()  # type: ignore[union-attr]
    return int(major), int(minor)


def make_logger(library: Any) -> Any:
    """A logger for TensorRT that prints nothing; its `problems` are the texts of the errors so far."""

    class Logger(library.ILogger):  # type: ignore[misc]  # the library's types are not there without it
        """Keeps what goes wrong, to be told in one error."""

        def __init__(self) -> None:
            library.ILogger.__init__(self)
            self.problems: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (library.ILogger.INTERNAL_ERROR, library.ILogger.ERROR):
                self.problems.append(message.strip())

    return Logger()

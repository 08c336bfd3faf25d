"""Virtual environments and packages from lock files with digests, by pip."""

import subprocess
from pathlib import Path

from sightline.errors import SightlineError

_TIMEOUT_S = 1800
_TRITON_FIX = (
    "Check the network and pip's settings, or use a Triton server elsewhere: set SIGHTLINE_TRITON_URL."
)


def make_environment(python: Path, folder: Path) -> Path:
    """Make a virtual environment with pip in it and return its interpreter.

    The folder may be moved later: the interpreter still works, only scripts with a path in them do not.

    Raises:
        SightlineError: The interpreter cannot make one.
    """
    _run(
        [str(python), "-I", "-m", "venv", str(folder)],
        f"Cannot make a Python environment with {python}",
        "Install the interpreter's `venv` module (on Debian and Ubuntu the package python3-venv).",
    )
    return folder / "bin" / "python3"


def install_locked(
    python: Path, lock: Path, what: str, target: Path | None = None, *, fix: str = _TRITON_FIX
) -> None:
    """Install what a lock file names: wheels only, each with its SHA-256, nothing else.

    Args:
        python: The interpreter whose pip installs.
        lock: Requirements with `--hash` for each.
        what: What it is, for messages.
        target: A folder to unpack into; None is the interpreter's environment.
        fix: What to do if it fails.

    Raises:
        SightlineError: pip failed; the message quotes its errors.
    """
    options = "--no-deps --require-hashes --only-binary=:all: --no-input --disable-pip-version-check --quiet"
    where = [] if target is None else ["--target", str(target)]
    _run(
        # Isolated: what the user has in PYTHONPATH or among packages of their own counts for nothing.
        [str(python), "-I", "-m", "pip", "install", *options.split(), *where, "-r", str(lock)],
        f"Cannot install {what}",
        fix,
    )


def _run(argv: list[str], what: str, fix: str) -> None:
    try:
        answer = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SightlineError(f"{what}: {error}.", fix) from error
    if answer.returncode != 0:
        said = [line.strip() for line in (answer.stdout + answer.stderr).splitlines() if line.strip()]
        errors = [line for line in said if line.startswith("ERROR")] or said[-3:]
        raise SightlineError(f"{what}: {' | '.join(errors)[:1500]}", fix)

"""Whether what is still to be installed can be fetched; `sightline doctor` asks, and downloads nothing."""

import importlib.util
import subprocess
import sys
from typing import Final

from sightline.stack.machine import Finding, Verdict
from sightline.stack.maven import LockedJar, name_of, reach

TIMEOUT_S: Final = 20
PACKAGE: Final = "nvidia-pytriton"


def check_maven(jar: LockedJar, maven_url: str | None) -> Finding:
    """Ask the Maven repository whether it has a jar."""
    subject = "Maven repository"
    where = name_of(maven_url)
    reason = reach(jar, maven_url)
    if not reason:
        return Finding(subject, Verdict.GOOD, f"{where} has {jar}")
    fix = "Check the network and its proxies, or name a mirror in SIGHTLINE_CACHE_MAVEN_URL."
    return Finding(subject, Verdict.BAD, f"{where} does not give {jar}: {reason}.", fix)


def check_packages() -> Finding:
    """Ask pip, as the user has set it up, whether its index has the package with Triton's server."""
    subject = "index of Python packages"
    fix = "Check the network, and pip's settings with `pip config list`."
    if importlib.util.find_spec("pip") is None:
        return Finding(subject, Verdict.NOTE, "not asked, for there is no pip in this environment")
    argv = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--retries", "0", "--timeout", "10"]
    try:
        answer = subprocess.run(
            [*argv, "index", "versions", PACKAGE],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Finding(subject, Verdict.BAD, f"pip had no answer within {TIMEOUT_S} s.", fix)
    if answer.returncode != 0:
        lines = [line for line in answer.stderr.splitlines() if line.startswith("ERROR")]
        said = lines[0].removeprefix("ERROR: ") if lines else "pip failed"
        return Finding(subject, Verdict.BAD, f"pip does not find {PACKAGE}: {said[:300]}", fix)
    return Finding(subject, Verdict.GOOD, f"pip finds {PACKAGE}")

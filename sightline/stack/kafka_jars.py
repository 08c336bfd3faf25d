"""Kafka's jars: from a distribution that is installed, or by digest from Maven Central into the cache."""

import hashlib
from importlib.resources import files
from pathlib import Path

from sightline.errors import SightlineError
from sightline.stack.cache import Progress, install_once, is_installed, silent
from sightline.stack.maven import fetch_jars, parse_lock

LOCK_NAME = "kafka.lock"
_FIX = "Check the network, or set SIGHTLINE_KAFKA_HOME to the folder of an unpacked Kafka."


def locked_text() -> str:
    """Return the text of the lock file that ships with Sightline."""
    return files("sightline.stack").joinpath(LOCK_NAME).read_text(encoding="utf-8")


def home_jars(home: Path) -> tuple[Path, ...]:
    """Return the jars of a Kafka distribution.

    Raises:
        SightlineError: The folder holds no Kafka.
    """
    jars = tuple(sorted((home / "libs").glob("*.jar")))
    if not any(jar.name.startswith("kafka_") for jar in jars):
        raise SightlineError(
            f"There is no Kafka in {home}: libs/kafka_*.jar is missing.",
            "Name the folder of an unpacked Kafka distribution, or none to have one installed.",
        )
    return jars


def install_jars(
    cache: Path, lock_text: str, maven_url: str | None = None, progress: Progress = silent
) -> tuple[Path, ...]:
    """Return the locked jars in the cache, fetched with jgo the first time.

    Args:
        cache: The cache folder.
        lock_text: The lock file's text.
        maven_url: A Maven repository to use in the place of Maven Central.
        progress: Told about slow steps.

    Raises:
        SightlineError: A jar cannot be fetched, or its bytes are not the locked ones.
    """
    jars = parse_lock(lock_text, LOCK_NAME)

    def build(folder: Path) -> None:
        progress(f"Fetching Kafka ({len(jars)} jars, 45 MB, once)")
        fetch_jars(jars, folder, _FIX, maven_url)

    folder = install_once(cache, "kafka", _key(lock_text), build, progress)
    return tuple(folder / jar.file_name for jar in jars)


def jars_are_installed(cache: Path, lock_text: str) -> bool:
    """Whether the locked jars are in the cache."""
    return is_installed(cache, "kafka", _key(lock_text))


def _key(lock_text: str) -> str:
    return hashlib.sha256(lock_text.encode()).hexdigest()

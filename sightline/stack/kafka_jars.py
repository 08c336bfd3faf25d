"""Kafka's jars: from a distribution that is installed, or by digest from Maven Central into the cache."""

import hashlib
import re
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from sightline.errors import SightlineError
from sightline.stack.cache import Progress, install_once, silent

LOCK_NAME = "kafka.lock"
_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64})  (?P<group>[\w.-]+):(?P<artifact>[\w.-]+):(?P<version>[\w.-]+)")
_ATTEMPTS = 3
_AT_ONCE = 6
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, order=True)
class LockedJar:
    """One jar: its Maven coordinate and the SHA-256 of its bytes in hexadecimal."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of the file in the install."""
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


def locked_text() -> str:
    """Return the text of the lock file that ships with Sightline."""
    return files("sightline.stack").joinpath(LOCK_NAME).read_text(encoding="utf-8")


def parse_lock(text: str) -> tuple[LockedJar, ...]:
    """Read a lock file: lines of `sha256  group:artifact:version`; empty lines and `#` comments are skipped.

    Raises:
        SightlineError: A line has another form, a jar is there twice, or there is none.
    """
    jars: list[LockedJar] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise SightlineError(
                f"Line {number} of {LOCK_NAME} is not `sha256  group:artifact:version`.",
                "Make the file again with `python -m sightline.stack.kafka_lock`.",
            )
        jars.append(LockedJar(match["group"], match["artifact"], match["version"], match["sha256"]))
    names = [jar.file_name for jar in jars]
    if not jars or len(set(names)) != len(names):
        raise SightlineError(
            f"{LOCK_NAME} has {'a jar twice' if jars else 'no jar'}.",
            "Make the file again with `python -m sightline.stack.kafka_lock`.",
        )
    return tuple(jars)


def format_lock(jars: Iterable[LockedJar]) -> str:
    """Return the text of a lock file, sorted, for `parse_lock`."""
    return "".join(f"{jar.sha256}  {jar}\n" for jar in sorted(jars))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    jars = parse_lock(lock_text)
    key = hashlib.sha256(lock_text.encode()).hexdigest()

    def build(folder: Path) -> None:
        progress(f"Fetching Kafka ({len(jars)} jars, 45 MB, once)")
        fetch_jars(jars, folder, maven_url)

    folder = install_once(cache, "kafka", key, build, progress)
    return tuple(folder / jar.file_name for jar in jars)


def fetch_jars(jars: tuple[LockedJar, ...], folder: Path, maven_url: str | None = None) -> None:
    """Fetch jars into a folder and check the digest of each.

    Raises:
        SightlineError: As `install_jars`.
    """
    repository = folder / ".maven"
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        pending = [pool.submit(_fetch, jar, repository, maven_url) for jar in jars]
        try:
            for jar, fetched in zip(jars, pending, strict=True):
                fetched.result().rename(folder / jar.file_name)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    shutil.rmtree(repository)


def _fetch(jar: LockedJar, repository: Path, maven_url: str | None) -> Path:
    from jgo.maven import MavenContext
    from requests import RequestException

    remote = None if maven_url is None else {"configured": maven_url.rstrip("/")}
    # A context for each jar: jgo keeps state in it, and we fetch from several threads.
    context = MavenContext(repo_cache=repository, remote_repos=remote, timeout=_TIMEOUT_S)
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    cause: Exception | None = None
    for _ in range(_ATTEMPTS):
        try:
            path = artifact.resolve()
        except (RequestException, RuntimeError) as error:
            cause = error
            # jgo takes what an aborted download left for the whole jar.
            if (partial := artifact.cached_path) is not None:
                partial.unlink(missing_ok=True)
            continue
        if (found := sha256_of(path)) == jar.sha256:
            return path
        raise SightlineError(
            f"The jar {jar} is not the locked one: its SHA-256 is {found}, expected {jar.sha256}.",
            "Do not use it. Find out what stands between you and the Maven repository.",
        )
    raise SightlineError(
        f"Cannot fetch {jar} from {maven_url or 'Maven Central'}: {_first_line(cause)}.",
        "Check the network, or set SIGHTLINE_KAFKA_HOME to the folder of an unpacked Kafka.",
    ) from cause


def _first_line(error: Exception | None) -> str:
    return (str(error).splitlines() or ["no reason given"])[0][:300]

"""Jars from Maven Central by digest: lock files that name them, and jgo that fetches them."""

import hashlib
import re
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import SightlineError
from sightline.redaction import scrubbed, shown

_LINE = re.compile(
    r"(?P<sha256>[0-9a-f]{64})  "
    r"(?P<group>[\w.-]+):(?P<artifact>[\w.-]+):(?P<version>[\w.-]+)(?::(?P<classifier>[\w.-]+))?"
)
_AGAIN = "Make the file again with `python -m sightline.stack.maven_locks`."
_ATTEMPTS = 3
_AT_ONCE = 6
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, order=True)
class LockedJar:
    """One jar: its Maven coordinate, the SHA-256 of its bytes in hexadecimal, and its classifier or ""."""

    group: str
    artifact: str
    version: str
    sha256: str
    classifier: str = ""

    @property
    def file_name(self) -> str:
        """The name of the file in the install."""
        return "-".join(filter(None, (self.artifact, self.version, self.classifier))) + ".jar"

    def __str__(self) -> str:
        return ":".join(filter(None, (self.group, self.artifact, self.version, self.classifier)))


def parse_lock(text: str, name: str) -> tuple[LockedJar, ...]:
    """Read a lock file: lines of `sha256  group:artifact:version[:classifier]`.

    Args:
        text: The lock file's text; empty lines and those that start with `#` are skipped.
        name: The lock file's name, for messages.

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
                f"Line {number} of {name} is not `sha256  group:artifact:version[:classifier]`.", _AGAIN
            )
        jars.append(LockedJar(**match.groupdict(default="")))
    names = [jar.file_name for jar in jars]
    if not jars or len(set(names)) != len(names):
        raise SightlineError(f"{name} has {'a jar twice' if jars else 'no jar'}.", _AGAIN)
    return tuple(jars)


def format_lock(jars: Iterable[LockedJar]) -> str:
    """Return the text of a lock file, sorted, for `parse_lock`."""
    return "".join(f"{jar.sha256}  {jar}\n" for jar in sorted(jars))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_jars(jars: tuple[LockedJar, ...], folder: Path, fix: str, maven_url: str | None = None) -> None:
    """Fetch jars into a folder and check the digest of each.

    Args:
        jars: What to fetch.
        folder: Where they go, each under its `file_name`.
        fix: What to do if the repository cannot be reached.
        maven_url: A Maven repository to use in the place of Maven Central.

    Raises:
        SightlineError: A jar cannot be fetched, or its bytes are not the locked ones.
    """
    repository = folder / ".maven"
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        pending = [pool.submit(_fetch, jar, repository, fix, maven_url) for jar in jars]
        try:
            for jar, fetched in zip(jars, pending, strict=True):
                fetched.result().rename(folder / jar.file_name)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    shutil.rmtree(repository)


def reach(jar: LockedJar, maven_url: str | None = None) -> str:
    """Ask a Maven repository for a jar without fetching it; returns why it does not answer, or ""."""
    import requests
    from jgo.maven import MavenContext

    context = MavenContext(remote_repos=_remote(maven_url))
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    (base,) = context.remote_repos.values()
    url = f"{base.rstrip('/')}/{component.path_prefix}/{jar.file_name}"
    try:
        # Not HEAD, which some mirrors do not know.
        with requests.get(url, timeout=10, stream=True) as answer:
            answer.raise_for_status()
    except (requests.RequestException, ValueError) as error:
        return _first_line(error)
    return ""


def name_of(maven_url: str | None) -> str:
    """Return the name of a repository for messages, without the password that its address may hold."""
    return "Maven Central" if maven_url is None else shown(maven_url)


def _remote(maven_url: str | None) -> dict[str, str] | None:
    return None if maven_url is None else {"configured": maven_url.rstrip("/")}


def _fetch(jar: LockedJar, repository: Path, fix: str, maven_url: str | None) -> Path:
    from jgo.maven import MavenContext
    from requests import RequestException

    # A context for each jar: jgo keeps state in it, and we fetch from several threads.
    context = MavenContext(repo_cache=repository, remote_repos=_remote(maven_url), timeout=_TIMEOUT_S)
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact(jar.classifier)
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
        f"Cannot fetch {jar} from {name_of(maven_url)}: {_first_line(cause)}.", fix
    ) from cause


def _first_line(error: Exception | None) -> str:
    return scrubbed((str(error).splitlines() or ["no reason given"])[0])[:300]

"""Make the locks of what comes from Maven Central again: `python -m sightline.stack.maven_locks`.

Resolves Kafka's server and all that it needs, fetches the models' Python, and writes the coordinates and
digests into `kafka.lock` and `models-python.lock`.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sightline.stack import kafka_jars, models_python
from sightline.stack.maven import LockedJar, format_lock, sha256_of

KAFKA_VERSION = "4.3.1"
_SCALA = "2.13"
# Kafka asks for slf4j 1.7; the simple logger writes to standard error, which goes to our log file.
_SLF4J_VERSION = "1.7.36"
# Triton's server has stubs for Python 3.8 to 3.13, and the models' NumPy 1.26 has wheels up to 3.12.
PYTHON_VERSION = "3.12.1-1.5.10"
_HEADER = "# {}: SHA-256 and Maven coordinate. Made by `python -m sightline.stack.maven_locks`.\n"


def resolve_kafka(version: str, repository: Path) -> list[LockedJar]:
    """Resolve Kafka's server on Maven Central and fetch every jar of it into a Maven repository folder."""
    from jgo.maven import MavenContext
    from jgo.parse import Coordinate

    context = MavenContext(repo_cache=repository, timeout=30)
    wanted = (
        f"org.apache.kafka:kafka_{_SCALA}:{version}",
        f"org.apache.kafka:kafka-server:{version}",
        f"org.slf4j:slf4j-simple:{_SLF4J_VERSION}",
    )
    direct, more = context.resolver.resolve(
        [context.create_dependency(replace(Coordinate.parse(one), scope="compile")) for one in wanted]
    )
    needed = [*direct, *(each for each in more if each.scope in ("compile", "runtime"))]
    return [
        LockedJar(each.groupId, each.artifactId, each.version, sha256_of(each.artifact.resolve()))
        for each in needed
    ]


def resolve_python(version: str, repository: Path) -> list[LockedJar]:
    """Fetch the jar with a CPython for x86-64 Linux into a Maven repository folder."""
    from jgo.maven import MavenContext

    group, artifact = "org.bytedeco", "cpython"
    component = MavenContext(repo_cache=repository, timeout=30).project(group, artifact).at_version(version)
    jar = component.artifact(models_python.PLATFORM).resolve()
    return [LockedJar(group, artifact, version, sha256_of(jar), models_python.PLATFORM)]


def main() -> None:
    """Write the lock files beside this module."""
    with tempfile.TemporaryDirectory() as repository:
        kafka = resolve_kafka(KAFKA_VERSION, Path(repository))
        python = resolve_python(PYTHON_VERSION, Path(repository))
    _write(kafka_jars.LOCK_NAME, "Kafka's jars", kafka)
    _write(models_python.LOCK_NAME, "The models' Python", python)


def _write(name: str, what: str, jars: Sequence[LockedJar]) -> None:
    target = Path(__file__).with_name(name)
    target.write_text(_HEADER.format(what) + format_lock(jars), encoding="utf-8")
    sys.stdout.write(f"{target}: {len(jars)} jars\n")


if __name__ == "__main__":
    main()

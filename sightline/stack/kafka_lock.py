"""Make `kafka.lock` again: `python -m sightline.stack.kafka_lock [KAFKA_VERSION]`.

Resolves Kafka's server and all that it needs on Maven Central and writes the coordinates and digests.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sightline.stack.kafka_jars import LOCK_NAME, LockedJar, format_lock, sha256_of

KAFKA_VERSION = "4.3.1"
_SCALA = "2.13"
# Kafka asks for slf4j 1.7; the simple logger writes to standard error, which goes to our log file.
_SLF4J_VERSION = "1.7.36"
_HEADER = "# Kafka's jars: SHA-256 and Maven coordinate. Made by `python -m sightline.stack.kafka_lock`.\n"


def resolve(kafka_version: str, repository: Path) -> list[LockedJar]:
    """Resolve Kafka's server on Maven Central and fetch every jar of it into a Maven repository folder."""
    from jgo.maven import MavenContext
    from jgo.parse import Coordinate

    context = MavenContext(repo_cache=repository, timeout=30)
    wanted = (
        f"org.apache.kafka:kafka_{_SCALA}:{kafka_version}",
        f"org.apache.kafka:kafka-server:{kafka_version}",
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


def main(arguments: Sequence[str]) -> None:
    """Write the lock file beside this module."""
    version = arguments[0] if arguments else KAFKA_VERSION
    with tempfile.TemporaryDirectory() as repository:
        jars = resolve(version, Path(repository))
    target = Path(__file__).with_name(LOCK_NAME)
    target.write_text(_HEADER + format_lock(jars), encoding="utf-8")
    sys.stdout.write(f"{target}: {len(jars)} jars\n")


if __name__ == "__main__":
    main(sys.argv[1:])

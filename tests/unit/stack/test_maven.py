"""The lock files of what comes from Maven Central, and that no other bytes than the locked ones are used."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jgo.maven import Artifact

from sightline.errors import SightlineError
from sightline.stack.kafka_jars import home_jars, install_jars, jars_are_installed, locked_text
from sightline.stack.maven import LockedJar, fetch_jars, format_lock, parse_lock

NAME = "kafka.lock"
NAMES = st.from_regex(r"[a-z][a-z0-9_.-]{0,20}", fullmatch=True)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
JARS = st.builds(LockedJar, NAMES, NAMES, NAMES, DIGESTS, st.just("") | NAMES)
JAR_BYTES = b"the bytes of a jar"
JAR = LockedJar("org.example", "thing", "1.0", hashlib.sha256(JAR_BYTES).hexdigest())


@given(st.lists(JARS, min_size=1, max_size=8, unique_by=lambda jar: jar.file_name))
def test_what_is_formatted_parses_to_the_same_jars(jars: list[LockedJar]) -> None:
    assert parse_lock("# made by hand\n\n" + format_lock(jars), NAME) == tuple(sorted(jars))


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    said = ""
    try:
        jars = parse_lock(text, NAME)
    except SightlineError as error:
        jars, said = (), error.what
    assert jars or "kafka.lock" in said


def test_the_shipped_lock_has_kafka_4_3_1_and_no_host() -> None:
    text = locked_text()
    assert "kafka_2.13-4.3.1.jar" in [jar.file_name for jar in parse_lock(text, NAME)]
    assert "://" not in text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no jar"),
        ("# only a comment\n", "no jar"),
        ("0123  org.example:thing:1.0\n", "Line 1"),
        (f"{JAR.sha256} org.example:thing:1.0\n", "Line 1"),
        (f"{JAR.sha256}  org.example:../../thing:1.0\n", "Line 1"),
        (f"# x\n{JAR.sha256}  org.example:thing\n", "Line 2"),
        (format_lock([JAR, JAR]), "twice"),
    ],
)
def test_a_damaged_lock_is_refused(text: str, reason: str) -> None:
    with pytest.raises(SightlineError, match=reason):
        parse_lock(text, NAME)


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A Maven repository that serves the bytes in the list, without a network."""
    served = [JAR_BYTES]

    def resolve(artifact: Artifact) -> Path:
        path = artifact.context.repo_cache / artifact.component.path_prefix / artifact.filename
        path.parent.mkdir(parents=True)
        path.write_bytes(served[0])
        return path

    monkeypatch.setattr(Artifact, "resolve", resolve)
    return served


def test_jars_with_the_locked_digest_are_installed_and_kept(tmp_path: Path, repository: list[bytes]) -> None:
    text = format_lock([JAR])
    assert not jars_are_installed(tmp_path, text)
    (jar,) = install_jars(tmp_path, text)
    assert jars_are_installed(tmp_path, text)
    assert jar.read_bytes() == JAR_BYTES
    repository[0] = b"another file"
    assert install_jars(tmp_path, text) == (jar,)
    assert jar.read_bytes() == JAR_BYTES


def test_a_jar_with_another_digest_is_refused_and_nothing_is_left(
    tmp_path: Path, repository: list[bytes]
) -> None:
    repository[0] = b"not the bytes of the jar"
    with pytest.raises(SightlineError, match=r"org\.example:thing:1\.0 is not the locked one"):
        install_jars(tmp_path, format_lock([JAR]))
    assert [path for path in tmp_path.rglob("*") if path.suffix == ".jar"] == []
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_no_way_to_the_repository_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match=r"Cannot fetch org\.example:thing:1\.0") as caught:
        fetch_jars((JAR,), tmp_path, "Use your own.", "http://127.0.0.1:9")
    assert caught.value.fix == "Use your own."


@pytest.mark.usefixtures("repository")
def test_a_jar_with_a_classifier_is_asked_for_by_it(tmp_path: Path) -> None:
    jar = LockedJar("org.example", "thing", "1.0", JAR.sha256, "linux-x86_64")
    fetch_jars((jar,), tmp_path, "")
    assert [path.name for path in tmp_path.iterdir()] == ["thing-1.0-linux-x86_64.jar"]


def test_a_folder_without_kafka_is_refused_as_home(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match="There is no Kafka in"):
        home_jars(tmp_path)
    (tmp_path / "libs").mkdir()
    (tmp_path / "libs" / "kafka_2.13-4.3.1.jar").touch()
    assert [jar.name for jar in home_jars(tmp_path)] == ["kafka_2.13-4.3.1.jar"]

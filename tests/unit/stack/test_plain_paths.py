"""A server is told paths of plain letters, whatever the user's folders are called."""

import subprocess
import sys
from pathlib import Path

import pytest

from sightline.stack.kafka import KafkaOptions, LocalKafka
from sightline.stack.kafka_config import server_properties
from sightline.stack.plain_paths import HERE, in_utf8, linked
from sightline.stack.processes import ProcessSpec
from sightline.stack.triton import LocalTriton
from sightline.stack.triton_install import TritonInstall
from tests.odd_names import ODD_NAME

READ = "import sys; print(open(sys.argv[1], encoding='utf-8').read())"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / ODD_NAME
    found.mkdir()
    return found


def test_a_process_and_its_children_find_what_is_linked(folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "note").write_text("here")
    path = linked(folder, "link", elsewhere)
    assert path.isascii()
    words = [sys.executable, "-c", READ, f"{path}/note"]
    assert subprocess.check_output(words, cwd=folder, text=True) == "here\n"
    through_a_shell = ["sh", "-c", f'"$0" -c "$1" {path}/note', sys.executable, READ]
    assert subprocess.check_output(through_a_shell, cwd=folder, text=True) == "here\n"


def test_the_next_start_puts_its_own_links(folder: Path) -> None:
    for name in ("one", "two", "two"):
        (folder / name).mkdir(exist_ok=True)
        linked(folder, "link", folder / name)
        assert (folder / "link").resolve() == folder / name
    (folder / "two").rmdir()
    linked(folder, "link", folder / "one")  # one that leads nowhere is replaced too
    assert sorted(each.name for each in folder.iterdir()) == ["link", "one"]


def test_the_locale_is_one_in_which_utf_8_is_read_as_that() -> None:
    assert in_utf8({"LC_ALL": "C", "LANG": "de_DE", "PATH": "x"}) == {
        "LC_ALL": "C.UTF-8",
        "LANG": "de_DE",
        "PATH": "x",
    }


def test_kafkas_settings_and_words_name_no_folder_of_the_user(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = folder / "kafka 4,0"
    (home / "libs").mkdir(parents=True)
    (home / "libs" / "kafka_2.13-4.0.jar").touch()
    monkeypatch.setattr(LocalKafka, "_format", lambda *_: None)
    kafka = LocalKafka(folder / "kafka", KafkaOptions(home=home))
    kafka.prepare()
    spec = kafka._spec()
    properties = (folder / "kafka" / "server.properties").read_text(encoding="ascii")
    assert f"log.dirs={HERE}/log\n" in properties
    assert properties == server_properties(f"{HERE}/log", *kafka._ports)
    no_path_of_the_user(spec, folder, first=1)
    assert (folder / "kafka" / "jars" / "kafka_2.13-4.0.jar").is_file()
    assert spec.cwd == folder / "kafka"


def test_tritons_words_and_environment_name_no_folder_of_the_user(folder: Path) -> None:
    for name in ("repository", "bin", "backends", "libs", "models/bin"):
        (folder / name).mkdir(parents=True)
    triton = LocalTriton(folder / "repository", ["echo"], folder / "logs" / "triton.log")
    triton._install = TritonInstall(
        folder / "bin" / "tritonserver", folder / "backends", (folder / "libs",), folder / "models" / "bin"
    )
    spec = triton._spec()
    no_path_of_the_user(spec, folder, first=1)
    assert spec.env["PATH"].startswith(f"{HERE}/python/bin:")
    assert f"--model-repository={HERE}/repository" in spec.argv
    assert spec.cwd is not None
    assert {link.name: link.resolve() for link in spec.cwd.iterdir()} == {
        "repository": folder / "repository",
        "backends": folder / "backends",
        "libraries0": folder / "libs",
        "python": folder / "models",
    }


def no_path_of_the_user(spec: ProcessSpec, folder: Path, first: int) -> None:
    """Nothing that the server reads; the program itself is started by the kernel, which takes any path."""
    read = [*spec.argv[first:], *spec.env.values()]
    assert not [text for text in read if folder.name in text]

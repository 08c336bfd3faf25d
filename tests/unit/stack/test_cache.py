"""The cache: whole installs only, made once."""

import threading
from pathlib import Path

import pytest

from sightline.errors import SightlineError
from sightline.stack.cache import cache_folder, install_once

KEY = "0123456789abcdef0123456789abcdef"


def test_the_folder_comes_from_the_first_setting_there_is(tmp_path: Path) -> None:
    both = {"SIGHTLINE_CACHE_DIR": "/own", "XDG_CACHE_HOME": "/shared"}
    assert cache_folder(both, tmp_path) == Path("/own")
    assert cache_folder({"XDG_CACHE_HOME": "/shared"}, tmp_path) == Path("/shared/sightline")
    assert cache_folder({"SIGHTLINE_CACHE_DIR": ""}, tmp_path) == tmp_path / ".cache" / "sightline"


def test_an_install_is_built_once_for_each_key(tmp_path: Path) -> None:
    built: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "file").write_text(str(len(built)))

    first = install_once(tmp_path, "thing", KEY, build)
    assert install_once(tmp_path, "thing", KEY, build) == first
    other = install_once(tmp_path, "thing", KEY[::-1], build)
    assert (first / "file").read_text() == "1"
    assert (other / "file").read_text() == "2"
    assert first not in built


def test_a_build_that_fails_leaves_nothing_and_the_next_one_succeeds(tmp_path: Path) -> None:
    def broken(folder: Path) -> None:
        (folder / "half").touch()
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        install_once(tmp_path, "thing", KEY, broken)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []
    target = install_once(tmp_path, "thing", KEY, lambda folder: (folder / "whole").touch())
    assert [path.name for path in target.iterdir()] == ["whole"]


def test_what_a_killed_install_left_is_not_used_but_removed(tmp_path: Path) -> None:
    leftover = tmp_path / f".thing-{KEY[:16]}.abc"
    leftover.mkdir()
    (leftover / "half").touch()
    target = install_once(tmp_path, "thing", KEY, lambda folder: (folder / "whole").touch())
    assert [path.name for path in target.iterdir()] == ["whole"]
    assert not leftover.exists()


def test_of_two_that_start_together_one_builds_and_the_other_waits(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()
    told: list[str] = []
    built: list[Path] = []
    found: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        begun.set()
        assert go_on.wait(30)

    def waited(sentence: str) -> None:
        told.append(sentence)
        go_on.set()

    def install() -> None:
        found.append(install_once(tmp_path, "thing", KEY, build, waited))

    threads = [threading.Thread(target=install) for _ in range(2)]
    threads[0].start()
    assert begun.wait(30)
    threads[1].start()
    for thread in threads:
        thread.join(30)
    assert len(built) == 1
    assert found == [tmp_path / f"thing-{KEY[:16]}"] * 2
    assert told == ["Another process installs thing: waiting"]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SightlineError, match="Cannot install thing into the cache folder"):
        install_once(tmp_path / "file", "thing", KEY, lambda folder: None)

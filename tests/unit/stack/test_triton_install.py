"""Where a local Triton can run, and on which Python its models do."""

import re
import sys
from pathlib import Path

import pytest

from sightline.errors import SightlineError
from sightline.stack import triton_install, triton_python
from sightline.stack.triton_install import check_platform, glibc_version
from sightline.stack.triton_python import StubPython, find_stub_python

PACKAGES = Path(triton_install.__file__).parents[2]


@pytest.mark.parametrize(
    ("system", "machine", "glibc", "reason"),
    [
        ("darwin", "arm64", None, "arm64 darwin"),
        ("linux", "aarch64", (2, 39), "aarch64 linux"),
        ("linux", "x86_64", (2, 31), r"glibc 2\.31"),
        ("linux", "x86_64", None, "another C library"),
    ],
)
def test_elsewhere_the_error_says_to_name_a_server(
    system: str, machine: str, glibc: tuple[int, int] | None, reason: str
) -> None:
    with pytest.raises(SightlineError, match=reason) as caught:
        check_platform(system, machine, glibc)
    assert "SIGHTLINE_TRITON_URL" in caught.value.fix


def test_a_fitting_platform_passes() -> None:
    check_platform("linux", "x86_64", (2, 35))
    check_platform("linux", "x86_64", (3, 0))
    assert glibc_version() is not None or sys.platform != "linux"


def fake_python(path: Path, answer: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


def test_a_configured_python_that_fits_is_taken(tmp_path: Path) -> None:
    program = fake_python(tmp_path / "python", '[[3, 12], "/lib64", "libpython3.12.so.1.0"]')
    assert find_stub_python(program) == StubPython(program, (3, 12), Path("/lib64"))
    program = fake_python(tmp_path / "python", '[[3, 11], "", "libpython3.11.so.1.0"]')
    assert find_stub_python(program).library_dir is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('[[3, 13], "/lib", "libpython3.13.so.1.0"]', r"is 3\.13, and 3\.11 or 3\.12 is needed"),
        ('[[3, 11], null, "libpython3.11.so.1.0"]', r"has no libpython3\.11\.so"),
        ("nonsense", "does not work"),
    ],
)
def test_one_that_does_not_fit_is_refused_with_its_reason(tmp_path: Path, answer: str, reason: str) -> None:
    with pytest.raises(SightlineError, match=reason) as caught:
        find_stub_python(fake_python(tmp_path / "python", answer))
    assert "SIGHTLINE_TRITON_URL" in caught.value.fix


def test_another_python_is_taken_where_ours_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = fake_python(tmp_path / "ours", '[[3, 14], "/lib", "libpython3.14.so.1.0"]')
    other = fake_python(tmp_path / "other", '[[3, 12], "/lib", "libpython3.12.so.1.0"]')
    monkeypatch.setattr(triton_python, "_candidates", lambda: [ours, other])
    assert find_stub_python().program == other


@pytest.mark.parametrize("lock", ["sightline/stack/triton-server.lock", "triton_repo/requirements.lock"])
def test_lock_files_pin_every_package_with_digests_and_name_no_host(lock: str) -> None:
    text = (PACKAGES / lock).read_text()
    pinned = re.findall(
        r"^[a-z0-9-]+==\S+(?: ;[^\\]*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.M
    )
    assert len(pinned) == text.count("==") >= 1
    assert "://" not in text


def test_the_models_have_a_numpy_that_the_stubs_can_read_strings_from() -> None:
    assert "\nnumpy==1.26." in (PACKAGES / "triton_repo" / "requirements.lock").read_text()

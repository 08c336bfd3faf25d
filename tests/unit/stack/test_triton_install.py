"""What a local Triton is installed from, and that its models' Python comes out of its jar as it should."""

import re
import zipfile
from pathlib import Path

import pytest

from sightline.errors import SightlineError
from sightline.stack import triton_install
from sightline.stack.machine import Finding, Verdict
from sightline.stack.models_python import locked_python, minor_version, program_in, unpack
from sightline.stack.triton_install import default_models_lock, install_triton, triton_is_installed

PACKAGES = Path(triton_install.__file__).parents[2]
INSIDE = "org/bytedeco/cpython/linux-x86_64/"


@pytest.mark.parametrize("lock", ["sightline/stack/triton-server.lock", "triton_repo/requirements.lock"])
def test_lock_files_pin_every_package_with_digests_and_name_no_host(lock: str) -> None:
    text = (PACKAGES / lock).read_text()
    pinned = re.findall(
        r"^[a-z0-9-]+==\S+(?: ;[^\\]*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.M
    )
    assert len(pinned) == text.count("==") >= 1
    assert "://" not in text


def test_the_models_have_a_numpy_that_the_stubs_can_read_strings_from_and_a_python_that_has_it() -> None:
    assert "\nnumpy==1.26." in default_models_lock().read_text()
    jar = locked_python()
    assert (jar.artifact, jar.classifier, minor_version(jar)) == ("cpython", "linux-x86_64", "3.12")


def test_what_runs_is_unpacked_and_nothing_else(tmp_path: Path) -> None:
    jar = tmp_path / "python.jar"
    kept = ["bin/python3", "bin/python3.12", "libpython3.12.so.1.0", "libffi.so.7", "lib/python3.12/os.py"]
    left_out = ["include/Python.h", "libjnipython.so", "lib/python3.12/test/test_os.py"]
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "x")
        archive.writestr(f"{INSIDE}lib/", "")
        for name in [*kept, *left_out]:
            archive.writestr(INSIDE + name, name)
    folder = tmp_path / "python"
    unpack(jar, folder)
    found = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    assert sorted(found) == sorted(kept)
    assert program_in(folder).stat().st_mode & 0o111


def test_where_it_cannot_run_nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lacks = [
        Finding("platform", Verdict.BAD, "This is a toaster.", "Take a computer."),
        Finding("libraries", Verdict.GOOD, "All there."),
        Finding("memory", Verdict.BAD, "It has no memory.", "Remember."),
    ]
    monkeypatch.setattr(triton_install, "for_triton", lambda: lacks)
    with pytest.raises(
        SightlineError, match=r"(?s)2 things.*toaster.*Take a computer.*no memory.*Remember"
    ) as told:
        install_triton(tmp_path / "cache", default_models_lock())
    assert "All there" not in str(told.value)
    assert not (tmp_path / "cache").exists()
    assert not triton_is_installed(tmp_path / "cache", default_models_lock())

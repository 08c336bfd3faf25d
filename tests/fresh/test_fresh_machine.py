"""The README's two commands on bare Debians: nothing there but Python, make and what comes with them."""

import re
import time
from collections.abc import Iterator

import pytest

from tests.fresh.bare_root import RELEASES, ROOT, BareRoot, why_not

pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(why_not()), reason=why_not())]
README = (ROOT / "README.md").read_text(encoding="utf-8")
VENV = re.compile(r"apt install (python3\.\d+-venv)")
SAID_AT_ONCE_S = 10


@pytest.fixture(scope="module", params=RELEASES)
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareRoot]:
    """A bare Debian with python3 and make. The tests below happen to it one after the other."""
    bare = BareRoot(tmp_path_factory.mktemp(request.param) / "root", request.param, ("python3", "make"))
    yield bare
    bare.remove()


def said(machine: BareRoot, command: str, *, as_root: bool = False) -> tuple[int, str]:
    """Exit code and output of a command; the output is also what pytest shows when the test fails."""
    log = machine.folder.parent / "log"
    log.unlink(missing_ok=True)
    code = machine.run(command.split(), log, as_root=as_root)
    output = log.read_text(encoding="utf-8", errors="replace")
    print(output)  # noqa: T201
    return code, output


def test_what_is_missing_is_said_at_once_and_installing_it_is_all_there_is_to_do(machine: BareRoot) -> None:
    began_s = time.monotonic()
    code, output = said(machine, "make demo")
    assert code == 2
    assert time.monotonic() - began_s < SAID_AT_ONCE_S
    assert "This machine lacks one thing" in output
    package = VENV.search(output)
    assert package is not None
    for step in ("update -qq", f"install -qq -y --no-install-recommends {package[1]}"):
        assert said(machine, f"apt-get {step}", as_root=True)[0] == 0


def test_the_demo_runs_and_is_near_the_truth(machine: BareRoot) -> None:
    assert "make demo " in README
    code, output = said(machine, "make demo")
    assert code == 0
    assert "count error" in output
    assert re.search(r"^OK: all \d+ captured frames are accounted for", output, re.MULTILINE)


def test_nothing_is_missing_afterwards(machine: BareRoot) -> None:
    code, output = said(machine, ".venv/bin/sightline doctor")
    assert code == 0
    assert "missing" not in output


def test_all_tests_pass(machine: BareRoot) -> None:
    assert "make test " in README
    code, _ = said(machine, "make --keep-going test")
    assert code == 0

"""A whole system for the tests that only ask it something."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.system import run_well
from tests.odd_names import ODD_NAME


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, so that no settings file is found by chance."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of a whole system that runs in the background."""
    folder = tmp_path_factory.mktemp("standing") / ODD_NAME
    run_well("up", "--detach", "--data", folder)
    yield folder
    run_well("down", "--data", folder)


@pytest.fixture(scope="session")
def state(standing: Path) -> dict:
    """What `status --json` says of the standing system."""
    return json.loads(run_well("status", "--json", "--data", standing))

"""The lock names the same packages for every Python that we promise: what is tested on one holds on all."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from sightline.stack.machine import NEWEST_PYTHON, OLDEST_PYTHON

LOCK = Path(__file__).parents[2] / "requirements.lock"
MINORS = range(OLDEST_PYTHON[1], NEWEST_PYTHON[1] + 1)


def locked_for(minor: int) -> dict[str, str]:
    """Versions by name, for Python 3.minor on x86-64 Linux."""
    environment = {
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.0",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    lines = re.findall(r"^(\S+==[^\\]+) \\$", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    found = [Requirement(line) for line in lines]
    return {
        each.name: str(each.specifier)
        for each in found
        if each.marker is None or each.marker.evaluate(environment)
    }


@pytest.mark.parametrize("minor", MINORS)
def test_a_package_has_one_version_whatever_the_python(minor: int) -> None:
    packages, oldest = locked_for(minor), locked_for(OLDEST_PYTHON[1])
    assert len(packages) > 50
    assert {name: packages[name] for name in packages.keys() & oldest.keys()} == {
        name: oldest[name] for name in packages.keys() & oldest.keys()
    }

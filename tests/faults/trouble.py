"""A model repository whose analyzer gets into trouble when it is told to."""

import shutil
from pathlib import Path


def troubled(repository: Path, target: Path) -> Path:
    """A copy of a model repository with `troubled_analyzer.py` in it; returns the folder of its version."""
    shutil.copytree(repository, target)
    version = target / "analyzer" / "1"
    (version / "model.py").rename(version / "analyzer.py")
    shutil.copyfile(Path(__file__).with_name("troubled_analyzer.py"), version / "model.py")
    return version

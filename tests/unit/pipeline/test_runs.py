"""What is refused before a run starts anything."""

from pathlib import Path

import pytest

from sightline.errors import SightlineError
from sightline.pipeline.runs import check_report


def test_a_report_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    check_report(tmp_path / "report.json")
    for path in (tmp_path, tmp_path / "no" / "folder" / "report.json"):
        with pytest.raises(SightlineError, match="cannot be written"):
            check_report(path)
    assert list(tmp_path.iterdir()) == []

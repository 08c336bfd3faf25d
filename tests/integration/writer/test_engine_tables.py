"""What the engine in the writer's process is told about its tables."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.clickhouse.migrate import migrate
from sightline.errors import SightlineError
from tests.odd_names import ODD_NAME

TOLD = (
    "SELECT countIf(engine_full LIKE '%concurrent_part_removal_threshold = %'), count()"
    " FROM system.tables WHERE database = 'sightline' AND engine LIKE '%MergeTree'"
)


def test_no_table_starts_a_thread_for_each_part_that_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    engine = ChdbEngine(tmp_path / "tables")
    database = engine.connect()
    try:
        migrate(database, "sightline")
        migrate(database, "sightline")  # as at the next start
        ((told, tables),) = database.rows(TOLD)
    finally:
        database.close()
        engine.close()
    assert told == tables > 6


def test_a_query_that_failed_half_way_leaves_nothing_in_the_next_answer(tmp_path: Path) -> None:
    engine = ChdbEngine(tmp_path / "tables")
    database = engine.connect()
    try:
        with pytest.raises(SightlineError, match="throwIf"):
            database.rows(
                "SELECT throwIf(number = 3000000) FROM numbers(5000000)"
                " SETTINGS max_block_size = 1000, max_threads = 1"
            )
        assert list(database.rows("SELECT 1")) == [(1,)]
    finally:
        database.close()
        engine.close()


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "CET-1CEST,M3.5.0,M10.5.0/3", "Foo/Bar", ""])
def test_the_engine_is_in_utc_in_any_zone_of_the_machine(tmp_path: Path, zone: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ZONES, str(tmp_path / ODD_NAME)],
        env=dict(os.environ) | {"TZ": zone},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"[('UTC', 'UTC')] {zone}\n", done.stderr


ZONES = """
import os, sys
import os
import subprocess
import sys
from pathlib import Path
from sightline.clickhouse.chdb_engine import ChdbEngine
database = ChdbEngine(Path(sys.argv[1])).connect()
print(list(database.rows("SELECT timezone(), serverTimezone()")), os.environ["TZ"])
database.close()
"""

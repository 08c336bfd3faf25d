"""What the engine in the writer's process is told about its tables."""

from pathlib import Path

import pytest

from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.clickhouse.migrate import migrate

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

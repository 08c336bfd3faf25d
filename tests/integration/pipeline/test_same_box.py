"""One box for everything is seen in the tables of ClickHouse's real engine, and only that."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.clickhouse.connect import tables_folder
from sightline.clickhouse.migrate import migrate
from sightline.pipeline.accounts import Query, StreamAccount
from sightline.pipeline.model_warnings import findings_warnings
from sightline.pipeline.tables import open_query
from sightline.settings import DataSettings, Settings

SINCE_NS = 50 * 10**9


@pytest.fixture
def query(tmp_path: Path) -> Iterator[Query]:
    """A stream whose boxes are all the same now, unlike in an earlier run, and one whose boxes differ."""
    engine = ChdbEngine(tables_folder(tmp_path))
    database = engine.connect()
    migrate(database, "sightline")
    for stream, epoch, second, moves in (("same", 2, 100, 0), ("other", 2, 100, 3), ("same", 1, 10, 9)):
        at = f"toDateTime64({second}, 9, 'UTC')"
        database.command(
            "INSERT INTO sightline.frames"
            " (stream_id, epoch, seq, width, height, detections, tracks, captured_at, captured_wall_at)"
            f" SELECT '{stream}', {epoch}, number, 640, 360, 1, 0, {at}, {at} FROM numbers(30)"
        )
        database.command(
            "INSERT INTO sightline.detections (stream_id, epoch, seq, captured_at, x1, y1, x2, y2)"
            f" SELECT '{stream}', {epoch}, number, {at}, number * {moves}, 0, 640, 360 FROM numbers(30)"
        )
    database.close()
    engine.close()
    with open_query(Settings(data=DataSettings(dir=tmp_path))) as opened:
        yield opened


def accounts(**detections: int) -> list[StreamAccount]:
    return [StreamAccount(name, 30, 30, detections=count) for name, count in detections.items()]


def test_one_box_for_everything_is_a_warning_and_different_boxes_are_none(query: Query) -> None:
    (said,) = findings_warnings(query, accounts(same=30, other=30), SINCE_NS)
    assert "All 30 detections of same, in 30 frames, are the same box (0, 0, 640, 360)" in said
    assert findings_warnings(query, accounts(same=30, other=30), 0) == []
    assert findings_warnings(query, accounts(same=19), SINCE_NS) == []

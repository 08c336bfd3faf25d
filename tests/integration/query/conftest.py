"""Small tables of two cameras that were started twice, at rest and while a writer serves them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.clickhouse.connect import tables_folder
from sightline.clickhouse.http import HttpPort
from sightline.clickhouse.migrate import migrate
from sightline.pipeline import questions

# Track 1 of each camera is a car in both epochs, 2 a person in the first, 3 one in the second.
TRACKS = [("1", 1, "car"), ("2", 1, "car"), ("1", 2, "person"), ("2", 3, "person")]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose name no server would take as it is."""
    folder = tmp_path_factory.mktemp("query") / "Köln, 50% d'? #1=a&b"
    engine = ChdbEngine(tables_folder(folder))
    database = engine.connect()
    migrate(database, "sightline")
    rows = [
        f"('{camera}', {epoch}, {seq}, now64(9) - {100 - 10 * int(epoch) - seq}, {track}, '{label}', true)"
        for camera in ("gate", "yard")
        for epoch, track, label in TRACKS
        for seq in range(3)
    ]
    columns = "stream_id, epoch, seq, captured_at, track_id, label, observed"
    database.command(f"INSERT INTO sightline.tracks ({columns}) VALUES {', '.join(rows)}")
    database.command(
        "INSERT INTO sightline.streams (stream_id, stage, epoch, at) VALUES ('gate', 'x', 1, now64(9))"
    )
    database.command(
        "INSERT INTO sightline.streams (stream_id, stage, epoch, at) VALUES ('gate', 'x', 1, now64(9))"
    )
    database.close()
    engine.close()
    return folder


@pytest.fixture(params=["at rest", "running"])
def data(
    request: pytest.FixtureRequest, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The data folder, at rest and while a writer serves it."""
    for name in [name for name in os.environ if name.startswith("SIGHTLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    if request.param == "at rest":
        yield tables
        return
    engine = ChdbEngine(tables_folder(tables))
    with HttpPort(engine, "sightline") as http:
        monkeypatch.setattr(questions, "writer_port", lambda _: http.port)
        yield tables
    engine.close()

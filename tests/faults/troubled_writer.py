"""The writer with a ClickHouse that can be away, slow, or lose its answers: `troubled_writer.py FILE`.

The file holds JSON: `down` (nothing answers), `slow_s` (each call takes so much longer), `lose` (of so many
inserts one is done and its answer lost). It is read again before each call.
"""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from consumers.writer.service import run_writer
from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.clickhouse.database import Database, Row, UnavailableError
from sightline.clickhouse.native import Block
from sightline.settings_sources import load


class TroubledDatabase:
    """A connection with trouble on the way."""

    def __init__(self, inner: Database, file: Path) -> None:
        self.capabilities = inner.capabilities
        self._inner = inner
        self._file = file
        self._inserts = 0

    def command(self, sql: str) -> None:
        self._suffer()
        self._inner.command(sql)

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        self._suffer()
        return self._inner.rows(sql, parameters)

    def insert(self, table: str, rows: Block, token: str) -> None:
        trouble = self._suffer()
        self._inner.insert(table, rows, token)
        self._inserts += 1
        if trouble.get("lose") and self._inserts % trouble["lose"] == 0:
            raise UnavailableError("the test lost the answer")

    def close(self) -> None:
        self._inner.close()

    def _suffer(self) -> dict[str, Any]:
        trouble: dict[str, Any] = json.loads(self._file.read_text())
        time.sleep(trouble.get("slow_s", 0))
        if trouble.get("down"):
            raise UnavailableError("the test took it down")
        return trouble


def main() -> None:
    settings = load(os.environ).settings
    file = Path(sys.argv[1])
    connect = ChdbEngine.connect

    def troubled(engine: ChdbEngine) -> Database:
        return TroubledDatabase(connect(engine), file)

    with patch.object(ChdbEngine, "connect", troubled):
        run_writer(settings, data_dir=settings.data.dir, ready=lambda _: None)


if __name__ == "__main__":
    main()

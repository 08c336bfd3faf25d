"""Migrations run once, are written down, and never run backwards."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from schemas.clickhouse import migrations
from sightline.clickhouse.database import Capabilities, Row
from sightline.clickhouse.migrate import migrate
from sightline.clickhouse.native import Block
from sightline.errors import SightlineError


class Remembering:
    """A database that keeps what it is told."""

    def __init__(self, done: Sequence[int], *, embedded: bool = False) -> None:
        self.capabilities = Capabilities(embedded=embedded)
        self.done = list(done)
        self.commands: list[str] = []
        self.inserts: list[tuple[str, str]] = []

    def command(self, sql: str) -> None:
        self.commands.append(sql)

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        return [("tracks",), ("frames",)] if "system.tables" in sql else [(number,) for number in self.done]

    def insert(self, table: str, rows: Block, token: str) -> None:
        self.inserts.append((table, token))

    def close(self) -> None: ...


def test_a_new_database_gets_all_of_them_and_writes_them_down() -> None:
    database = Remembering([])
    assert migrate(database, "mine") == migrations("mine")
    assert [sql for sql in database.commands if "mine.tracks" in sql]
    assert database.inserts == [
        ("mine.schema_migrations", f"migration-{number}") for number in range(1, len(migrations("mine")) + 1)
    ]


def test_one_that_has_the_first_gets_the_others() -> None:
    database = Remembering([1])
    assert [migration.number for migration in migrate(database, "mine")] == [2, 3]
    assert not [sql for sql in database.commands if "mine.tracks" in sql]


def test_one_that_has_them_gets_none() -> None:
    database = Remembering([1, 2, 3])
    assert migrate(database, "mine") == ()
    assert not database.inserts


def test_one_of_a_newer_version_is_left_alone() -> None:
    database = Remembering([1, 99])
    with pytest.raises(SightlineError, match="newer version"):
        migrate(database, "mine")
    assert not [sql for sql in database.commands if "mine.tracks" in sql]


def test_tables_in_this_process_remove_parts_in_one_thread() -> None:
    database = Remembering(range(1, len(migrations("mine")) + 1), embedded=True)
    migrate(database, "mine")
    altered = [sql.split()[2] for sql in database.commands if "concurrent_part_removal_threshold" in sql]
    assert altered == ["mine.`tracks`", "mine.`frames`"]


def test_tables_of_a_server_are_left_to_its_settings() -> None:
    database = Remembering([])
    migrate(database, "mine")
    assert not [sql for sql in database.commands if "ALTER" in sql and "SETTING" in sql]

"""Bringing the tables up to this version: each migration runs once and is written down."""

from typing import Final

from schemas.clickhouse import Migration, migrations
from sightline.clickhouse.database import Database
from sightline.clickhouse.native import block, numbers, string, texts
from sightline.errors import SightlineError

_NEVER: Final = 1_000_000  # parts


def migrate(database: Database, name: str) -> tuple[Migration, ...]:
    """Run the migrations that the database has not had; return them.

    Two writers that start together may both run one: every statement can be run again without harm.

    Args:
        database: Where to.
        name: The database of the tables, made if missing.

    Raises:
        SightlineError: The tables are of a newer version than this program, or ClickHouse refused.
        UnavailableError: ClickHouse did not answer.
    """
    known = migrations(name)
    database.command(f"CREATE DATABASE IF NOT EXISTS {name}")
    database.command(
        f"CREATE TABLE IF NOT EXISTS {name}.schema_migrations"
        " (number UInt32 COMMENT 'its place in the order', name String COMMENT 'what it does',"
        " at DateTime DEFAULT now() COMMENT 'when it ran')"
        " ENGINE = ReplacingMergeTree ORDER BY number"
        " COMMENT 'Which changes these tables have had.'"
    )
    done = {int(row[0]) for row in database.rows(f"SELECT number FROM {name}.schema_migrations")}  # noqa: S608 - a checked name
    if newer := done - {migration.number for migration in known}:
        raise SightlineError(
            f"The tables in {name} are of a newer version: they had migration {max(newer)},"
            f" this program knows {len(known)}.",
            "Use the newer Sightline, or another database (clickhouse.database) or data folder.",
        )
    missing = tuple(migration for migration in known if migration.number not in done)
    for migration in missing:
        _apply(database, name, migration)
    if database.capabilities.embedded:
        _remove_parts_in_one_thread(database, name)
    return missing


def _remove_parts_in_one_thread(database: Database, name: str) -> None:
    """Keep the engine from starting 128 threads, as it does to remove more than 100 merged parts of a table.

    It keeps them for ever; each holds memory, and three descriptors from its first query on. Its own settings
    for them (`max_parts_cleaning_thread_pool_size`, `max_thread_pool_free_size`) come too late in chDB 4.4:
    the pools are made before the options of a connection are read.
    """
    tables = database.rows(
        f"SELECT name FROM system.tables WHERE database = '{name}' AND engine LIKE '%MergeTree'"  # noqa: S608 - a checked name
        " AND engine_full NOT LIKE '%concurrent_part_removal_threshold%'"
    )
    for (table,) in tables:
        database.command(
            f"ALTER TABLE {name}.`{table}` MODIFY SETTING concurrent_part_removal_threshold = {_NEVER}"
        )


def _apply(database: Database, name: str, migration: Migration) -> None:
    for statement in migration.statements:
        database.command(statement)
    row = block(
        (
            numbers("number", "UInt32", [migration.number]),
            texts("name", [string(migration.name)], 1),
        )
    )
    database.insert(f"{name}.schema_migrations", row, f"migration-{migration.number}")

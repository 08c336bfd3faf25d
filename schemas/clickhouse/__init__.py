"""The tables in ClickHouse, as numbered migrations: `0001_tables.sql` and so on, in this folder."""

import re
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Final

_FILE: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql\Z")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step in the life of the tables; once released it is never edited.

    Attributes:
        number: Its place in the order, from 1.
        name: What it does, from the name of its file.
        statements: SQL statements, to be run one by one; each can be run again without harm.
    """

    number: int
    name: str
    statements: tuple[str, ...]


def migrations(database: str) -> tuple[Migration, ...]:
    """All migrations in order, for tables in this database.

    Raises:
        ValueError: The database's name is not an identifier.
    """
    if not _IDENTIFIER.match(database):
        raise ValueError(f"{database!r} is not a name of a database")
    found = []
    for entry in files(__name__).iterdir():
        if match := _FILE.match(entry.name):
            text = Template(entry.read_text(encoding="utf-8")).substitute(database=database)
            found.append(Migration(int(match[1]), match[2], split_statements(text)))
    return tuple(sorted(found, key=lambda migration: migration.number))


def split_statements(text: str) -> tuple[str, ...]:
    """Split a file where a line ends with a semicolon; a line that begins with `--` is a comment."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    parts = (part.strip() for part in re.split(r";\s*$", "\n".join(lines), flags=re.MULTILINE))
    return tuple(part for part in parts if part)

"""Reads from the engine in this process, one statement at a time, and changes nothing.

The statement is judged and run as the engine's own parser writes it (`gate`), on a connection that has its
settings first and can change nothing from then on. Both the HTTP port and a folder at rest are read this way.
"""

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sightline.clickhouse.gate import HARMLESS_TABLE_FUNCTIONS, objection
from sightline.clickhouse.query_settings import (
    CAPS,
    capped,
    named_format,
    settings_of,
    split_settings,
    without_strings,
)

READONLY: Final = 164
UTC: Final = "UTC"

_WITH_TABLES: Final = ("SELECT", "WITH", "FROM", "EXPLAIN")
_CODE: Final = re.compile(r"Code: (\d+)\. ")
_WRITES_OUT: Final = "formatQuerySingleLine"
_ERROR_NAME: Final = re.compile(r"(\([A-Z_]+\))[^()]*\Z")
_MOST_EXPECTED: Final = 8
_EXPECTED: Final = re.compile(r" ?Expected one of: [^.]*")
_POSITION: Final = re.compile(r"\bposition (\d+)")
_COLUMN: Final = re.compile(r"\(line (\d+), col (\d+)\)")
_AROUND: Final = re.compile(r" \((?:version [\d.]+[^()]*(?:\([^()]*\))?|for url [^()]*)\)")
_REPEATED: Final = re.compile(r"(\. \([A-Z_]+\))\1+")
_UTC_COLUMNS: Final = (
    "SELECT table, groupArray(name) FROM system.columns WHERE database = {database:String}"
    " AND match(type, '^(Nullable\\\\()?DateTime(64\\\\(\\\\d, |\\\\()''UTC''\\\\)+$')"
    " GROUP BY table FORMAT JSONCompactEachRow"
)


class RawEngine(Protocol):
    """An engine in process that gives bare connections."""

    def raw_connection(self) -> Any:
        """A new `chdb.Connection`."""
        ...


class QueryError(Exception):
    """A query that fails, as ClickHouse tells it.

    Args:
        code: ClickHouse's number for the error.
        text: What is wrong.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that may run.

    Attributes:
        sql: As the engine's parser writes it, without its settings.
        format: The output format that it names, or None.
        settings: Its own settings.
    """

    sql: str
    format: str | None
    settings: Mapping[str, str] = field(default_factory=dict)


class Reader:
    """Reads; any number of threads may call it.

    Args:
        engine: The engine.
        database: The database that names without one belong to.
        time_zone: Of sessions that name none. In another one than UTC the times of the tables are in it too.
        caps: What a query may use at most.

    Raises:
        QueryError: The engine does not answer at all.
    """

    def __init__(
        self, engine: RawEngine, database: str, time_zone: str = UTC, caps: Mapping[str, int] = CAPS
    ) -> None:
        self._engine = engine
        self._database = database
        self._caps = caps
        self.time_zone = time_zone
        self._parser = engine.raw_connection()
        self._parsing = threading.Lock()
        names = self._about("SELECT name FROM system.table_functions")
        self._refused = frozenset(names.lower().split()) - HARMLESS_TABLE_FUNCTIONS | {"file"}
        self.version = self._about("SELECT version()").strip()

    def close(self) -> None:
        """Give the connection of the parser up."""
        with self._parsing:
            self._parser.close()

    def _about(self, sql: str) -> str:
        try:
            return str(run_query(self._parser, sql, "TabSeparatedRaw", {}).bytes().decode())
        except QueryError:
            self._parser.close()
            raise

    def statement(self, sql: str) -> Statement:
        """Parse and judge a statement.

        Raises:
            QueryError: It is none, more than one, not for reading, or reaches outside the tables.
        """
        if not sql.strip():
            raise QueryError(62, "Syntax error: Empty query. (SYNTAX_ERROR)")
        with self._parsing:
            try:
                text = run_query(self._parser, formatting(sql), "TabSeparatedRaw", {}).bytes()
            except QueryError as error:
                raise QueryError(error.code, complaint(error.text, sql)) from error
        canonical, settings = split_settings(canonical_text(text))
        for name, value in settings.items():
            if capped(name, value, self._caps) != value:
                raise QueryError(READONLY, f"'{name}' can be at most {self._caps[name]} here. (READONLY)")
        if reason := objection(canonical, self._refused):
            raise QueryError(READONLY, f"This is for reading: {reason}. (READONLY)")
        return Statement(canonical, named_format(canonical), settings)

    def run(
        self,
        statement: Statement,
        output: str,
        settings: Mapping[str, str] | None = None,
        bound: Mapping[str, str] | None = None,
        database: str | None = None,
    ) -> Any:
        """Run a statement and return the engine's result.

        Args:
            statement: What `statement` gave.
            output: The format where the statement names none.
            settings: Settings from outside; the statement's own go over them.
            bound: The values of the statement's `{name:Type}`, by name.
            database: Another database for names without one.

        Raises:
            QueryError: A setting is refused, or the query failed.
        """
        given = {"session_timezone": self.time_zone, **(settings or {}), **statement.settings}
        given["session_timezone"] = zone = given["session_timezone"] or UTC
        in_zone = zone != UTC and statement.sql.lstrip("( ").startswith(_WITH_TABLES)
        if in_zone and re.search(r"\bFINAL\b", without_strings(statement.sql)):
            given["final"] = "1"  # a view would pass over the word
        allowed, refused = settings_of(given, self._caps)
        if refused is not None:
            raise QueryError(READONLY, f"Cannot modify '{refused[:80]}' setting in readonly mode. (READONLY)")
        connection = self._engine.raw_connection()
        try:
            run_query(connection, f"USE {name_literal(database or self._database)}", "Null", {})
            if in_zone:
                try:
                    _shift_times(connection, database or self._database, zone)
                except QueryError as error:
                    raise QueryError(error.code, error.text.partition(": In scope ")[0] + ".") from error
            changes = ", ".join(f"{name} = {literal(value)}" for name, value in allowed.items())
            run_query(connection, f"SET {changes}", "Null", {})
            # From here on this connection can change nothing, this setting included.
            run_query(connection, "SET readonly = 1", "Null", {})
            return run_query(connection, statement.sql, output, bound or {})
        finally:
            connection.close()


def _shift_times(connection: Any, database: str, zone: str) -> None:
    """Put views of this session in front of the tables, whose columns of times are in the zone.

    The zone of a session has no say in columns whose type names one, so `today()` and they would differ.
    """
    found = run_query(connection, _UTC_COLUMNS, "JSONCompactEachRow", {"database": database}).bytes()
    for line in found.decode().splitlines():
        table, columns = json.loads(line)
        times = ", ".join(
            f"toTimeZone({name}, {literal(zone)}) AS {name}" for name in map(name_literal, columns)
        )
        source = f"{name_literal(database)}.{name_literal(table)}"
        view = f"SELECT * REPLACE ({times}) FROM {source}"  # noqa: S608 - names and values are quoted
        run_query(connection, f"CREATE TEMPORARY VIEW {name_literal(table)} AS {view}", "Null", {})


def formatting(sql: str) -> str:
    """The query that has the engine's parser write a statement out."""
    return f"SELECT {_WRITES_OUT}({literal(sql)})"


def complaint(said: str, sql: str) -> str:
    """What the parser says of a statement that it was to write out, in words of that statement alone.

    Positions and columns become those of letters; the engine counts bytes.

    Args:
        said: The engine's error of `formatting`.
        sql: The statement.
    """
    said, around, rest = engine_text(said).partition(f"In scope SELECT {_WRITES_OUT}(")
    said = _EXPECTED.sub(lambda found: found[0] if found[0].count(",") < _MOST_EXPECTED else "", said)
    name = _ERROR_NAME.search(rest)
    said = said.rstrip(" :.") + (f". {name[1]}" if name else ".") if around else said
    said = said.replace("(end of query): . ", "(end of query). ")
    said = said.replace("Unrecognized token: ", "Unrecognized token. ")  # else it looks like a secret's name
    lines = sql.encode(errors="replace").split(b"\n")
    said = _POSITION.sub(lambda found: f"position {_letters(sql.encode(errors='replace'), found[1])}", said)
    return _COLUMN.sub(
        lambda found: f"(line {found[1]}, col {_letters(lines[int(found[1]) - 1], found[2])})", said
    )


def _letters(line: bytes, nth_byte: str) -> int:
    return len(line[: int(nth_byte) - 1].decode(errors="ignore")) + 1


def canonical_text(formatted: bytes) -> str:
    """What the engine's `formatQuerySingleLine` wrote, with an escape for what is no UTF-8."""
    return formatted.decode(errors="backslashreplace").removesuffix("\n")


def literal(text: str) -> str:
    """A text as a string literal of ClickHouse's SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def name_literal(text: str) -> str:
    """A text as a name in ClickHouse's SQL."""
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"


def run_query(connection: Any, sql: str, output: str, bound: Mapping[str, str]) -> Any:
    """Run SQL on a bare connection; raises QueryError. After an error give the connection up."""
    try:
        return connection.query(sql, output, params=dict(bound))
    except RuntimeError as error:
        said = str(error).strip()
        match = _CODE.search(said)
        raise QueryError(int(match[1]) if match else 1002, engine_text(said)) from error


def engine_text(said: str) -> str:
    """An error without what the engine, a server and a client put around its sentence."""
    _, around, text = said.rpartition("DB::Exception: ")
    if not around:
        return said
    return _REPEATED.sub(r"\1", _AROUND.sub("", text))

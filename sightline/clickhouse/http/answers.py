"""Runs queries for the HTTP port: each on a connection of its own, read-only, within its limits."""

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sightline.clickhouse.http.gate import HARMLESS_TABLE_FUNCTIONS, objection
from sightline.clickhouse.http.handshakes import hello, settings_statement
from sightline.clickhouse.http.limits import MAX_QUERIES, QUEUE_TIMEOUT_S, settings_of
from sightline.clickhouse.http.requests import QueryRequest

READONLY: Final = 164
TOO_MANY_QUERIES: Final = 202
BAD_REQUEST: Final = 36

_CODE: Final = re.compile(r"Code: (\d+)\. ")
_FORMAT: Final = re.compile(r"\bFORMAT (\w+)\s*(?:SETTINGS .*)?$", re.DOTALL)
_STATUS: Final[Mapping[int, int]] = {
    43: 400,
    46: 404,
    47: 404,
    60: 404,
    62: 400,
    81: 404,
    159: 408,
    READONLY: 403,
    497: 403,
    TOO_MANY_QUERIES: 503,
    BAD_REQUEST: 400,
    396: 400,
}


class RawEngine(Protocol):
    """An engine in process that gives bare connections."""

    def raw_connection(self) -> Any:
        """A new `chdb.Connection`."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back.

    Attributes:
        status: HTTP status.
        body: The result, or the error's text.
        headers: Headers beside the usual ones.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


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


class Answerer:
    """Answers queries; any number of threads may call it.

    Args:
        engine: The engine.
        database: The database that names without one belong to.
    """

    def __init__(self, engine: RawEngine, database: str) -> None:
        self._engine = engine
        self._database = database
        self._slots = threading.BoundedSemaphore(MAX_QUERIES)
        self._parser = engine.raw_connection()
        self._parsing = threading.Lock()
        self._refused = self._refused_functions()
        about = self._parser.query("SELECT version(), timezone()", "TabSeparatedRaw").bytes().decode()
        self.version, self.timezone = about.strip().split("\t")

    def close(self) -> None:
        """Give the connection of the parser up."""
        with self._parsing:
            self._parser.close()

    def answer(self, request: QueryRequest) -> Answer:
        """Run the query and return its result or its error."""
        try:
            return self._answer(request)
        except QueryError as error:
            text = f"Code: {error.code}. DB::Exception: {error.text} (version {self.version})\n"
            return Answer(
                _STATUS.get(error.code, 500),
                text.encode(),
                {"X-ClickHouse-Exception-Code": str(error.code), "Content-Type": "text/plain; charset=UTF-8"},
            )

    def _answer(self, request: QueryRequest) -> Answer:
        settings, refused = settings_of(request.parameters)
        if refused is not None:
            raise QueryError(READONLY, f"Cannot modify '{refused[:80]}' setting in readonly mode. (READONLY)")
        sql = self._canonical(request.sql)
        if reason := objection(sql, self._refused):
            raise QueryError(READONLY, f"This port is for reading: {reason}. (READONLY)")
        if (greeting := hello(sql, request.parameters, self.version, self.timezone)) is not None:
            return Answer(200, greeting, {"X-ClickHouse-Format": "Native"})
        named = _FORMAT.search(sql)
        output = named[1] if named else request.format
        if not self._slots.acquire(timeout=QUEUE_TIMEOUT_S):
            raise QueryError(
                TOO_MANY_QUERIES, "Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)"
            )
        try:
            result, summary = self._run(settings_statement(sql) or sql, request, settings)
        finally:
            self._slots.release()
        return Answer(200, result, {"X-ClickHouse-Format": output, "X-ClickHouse-Summary": summary})

    def _run(self, sql: str, request: QueryRequest, settings: Mapping[str, str]) -> tuple[bytes, str]:
        connection = self._engine.raw_connection()
        try:
            database = request.parameters.get("database") or self._database
            _query(connection, f"USE {_name(database)}", "Null", {})
            changes = ", ".join(f"{name} = {literal(value)}" for name, value in settings.items())
            _query(connection, f"SET {changes}", "Null", {})
            # From here on this connection can change nothing, this setting included.
            _query(connection, "SET readonly = 1", "Null", {})
            result = _query(connection, sql, request.format, request.bound)
            summary = {
                "read_rows": str(result.rows_read()),
                "read_bytes": str(result.bytes_read()),
                "elapsed_ns": str(int(result.elapsed() * 1e9)),
            }
            return result.bytes() or b"", json.dumps(summary)
        finally:
            connection.close()

    def _canonical(self, sql: str) -> str:
        if not sql.strip():
            raise QueryError(62, "Syntax error: Empty query. (SYNTAX_ERROR)")
        with self._parsing:
            text = _query(
                self._parser, f"SELECT formatQuerySingleLine({literal(sql)})", "TabSeparatedRaw", {}
            ).bytes()
        return str(text.decode(errors="replace").removesuffix("\n"))

    def _refused_functions(self) -> frozenset[str]:
        names = self._parser.query("SELECT name FROM system.table_functions", "TabSeparatedRaw").bytes()
        return frozenset(names.decode().lower().split()) - HARMLESS_TABLE_FUNCTIONS | {"file"}


def literal(text: str) -> str:
    """A text as a string literal of ClickHouse's SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _name(text: str) -> str:
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _query(connection: Any, sql: str, output: str, bound: Mapping[str, str]) -> Any:
    try:
        return connection.query(sql, output, params=dict(bound))
    except RuntimeError as error:
        said = str(error).strip()
        match = _CODE.search(said)
        text = said[said.rfind("DB::Exception: ") + 15 :] if "DB::Exception: " in said else said
        raise QueryError(int(match[1]) if match else 1002, text) from error

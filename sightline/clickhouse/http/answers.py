"""Runs queries for the HTTP port: each on a connection of its own, read-only, within its limits."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sightline.clickhouse.http.handshakes import hello, settings_statement
from sightline.clickhouse.http.limits import MAX_QUERIES, QUEUE_TIMEOUT_S
from sightline.clickhouse.http.requests import QueryRequest
from sightline.clickhouse.reading import READONLY, QueryError, RawEngine, Reader, Statement

TOO_MANY_QUERIES: Final = 202
BAD_REQUEST: Final = 36

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


class Answerer:
    """Answers queries; any number of threads may call it.

    Args:
        engine: The engine.
        database: The database that names without one belong to.
        time_zone: Of queries that name none.
    """

    def __init__(self, engine: RawEngine, database: str, time_zone: str) -> None:
        self._reader = Reader(engine, database, time_zone)
        self._slots = threading.BoundedSemaphore(MAX_QUERIES)
        self.version, self.timezone = self._reader.version, time_zone

    def close(self) -> None:
        """Give the connection of the parser up."""
        self._reader.close()

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
        statement = self._reader.statement(request.sql)
        greeting = hello(statement.sql, request.parameters, self.version, self.timezone)
        if greeting is not None:
            return Answer(200, greeting, {"X-ClickHouse-Format": "Native"})
        if (about_settings := settings_statement(statement.sql)) is not None:
            statement = replace(statement, sql=about_settings)
        if not self._slots.acquire(timeout=QUEUE_TIMEOUT_S):
            raise QueryError(
                TOO_MANY_QUERIES, "Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)"
            )
        try:
            result, summary = self._run(statement, request)
        finally:
            self._slots.release()
        headers = {
            "X-ClickHouse-Format": statement.format or request.format,
            "X-ClickHouse-Summary": summary,
        }
        return Answer(200, result, headers)

    def _run(self, statement: Statement, request: QueryRequest) -> tuple[bytes, str]:
        result = self._reader.run(
            statement, request.format, request.settings, request.bound, request.parameters.get("database")
        )
        summary = {
            "read_rows": str(result.rows_read()),
            "read_bytes": str(result.bytes_read()),
            "elapsed_ns": str(int(result.elapsed() * 1e9)),
        }
        return result.bytes() or b"", json.dumps(summary)

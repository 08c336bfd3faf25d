"""Answers a SELECT from wherever the tables are: a server, a running writer, or a folder at rest."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.clickhouse.client import error_code
from sightline.clickhouse.gate import objection
from sightline.clickhouse.query_settings import named_format
from sightline.clickhouse.reading import (
    UTC,
    QueryError,
    Reader,
    canonical_text,
    complaint,
    engine_text,
    formatting,
)
from sightline.errors import SightlineError
from sightline.pipeline.tables import connect_tables, folder_at_rest, no_answer, writer_port
from sightline.settings import Settings

MAX_RESULT_BYTES: Final = 500_000_000
# Numbers as numbers, what is no number by its name, and text that is no text with question marks in it.
_JSON: Final = {
    "output_format_json_quote_64bit_integers": "0",
    "output_format_json_quote_denormals": "1",
    "output_format_json_validate_utf8": "1",
    "output_format_json_array_of_rows": "1",
}
# Nobody else waits for a folder at rest: a question may take its time.
_AT_REST: Final = {"max_memory_usage": 1_200_000_000, "max_result_bytes": MAX_RESULT_BYTES}
_SMALLER: Final = "Ask for less of it: add a WHERE or a LIMIT, or count instead of listing."
_FIXES: Final = {
    62: "Give one statement, such as SELECT count() FROM frames.",
    159: _SMALLER,
    182: "Write WHERE in the place of PREWHERE; in a time zone of your own tables are read as views.",
    241: _SMALLER,
    396: _SMALLER,
}


@dataclass(frozen=True, slots=True)
class AnswerText:
    """What the engine wrote.

    Attributes:
        data: Its bytes.
        named_format: The output format that the statement itself names, or None.
    """

    data: bytes
    named_format: str | None


def answer(settings: Settings, sql: str, output_format: str, max_rows: int = 0) -> AnswerText:
    """Run one statement that reads, and return the engine's answer.

    Args:
        settings: Where the tables are.
        sql: The statement.
        output_format: One of the engine's, such as CSVWithNames, for a statement that names none.
        max_rows: More rows in this format are an error; 0 is any number.

    Raises:
        SightlineError: There are no tables, nothing answers, or the statement is none, is more than one, does
            not only read, is wrong, or asks for too much.
    """
    port = writer_port(settings)
    wanted = _JSON | ({"session_timezone": zone} if (zone := settings.clickhouse.time_zone) else {})
    ask = _ask_over_http if settings.clickhouse.dsn is not None or port else _ask_folder
    return ask(settings, sql, output_format, wanted, max_rows)


def _ask_over_http(
    settings: Settings, sql: str, output_format: str, wanted: Mapping[str, str], max_rows: int
) -> AnswerText:
    if settings.clickhouse.dsn is not None:
        wanted = {"session_timezone": UTC, **wanted}
    try:
        client = connect_tables(settings.clickhouse, writer_port(settings))
        canonical = _written_out(client, sql)
        if reason := objection(canonical, ()):
            raise SightlineError(f"This is for reading: {reason}.", _FIXES[62])
        named = named_format(canonical)
        if named is None and max_rows:
            wanted = {**wanted, "max_result_rows": str(max_rows)}
        # A server may let this user set less, or be older than a setting.
        known = client.server_settings
        taken = {name: value for name, value in wanted.items() if name in known and not known[name].readonly}
        data: bytes = client.raw_query(canonical, fmt=None if named else output_format, settings=taken)
    except (ClickHouseError, OSError) as error:
        code = error_code(error) if isinstance(error, ClickHouseError) else None
        if code is None:
            raise no_answer(settings.clickhouse, error) from error
        raise _wrong(str(error), code) from error
    return AnswerText(data, named)


def _ask_folder(
    settings: Settings, sql: str, output_format: str, wanted: Mapping[str, str], max_rows: int
) -> AnswerText:
    engine = ChdbEngine(folder_at_rest(settings))
    with _interruptible():
        try:
            reader = Reader(engine, settings.clickhouse.database, caps=_AT_REST)
            try:
                statement = reader.statement(sql)
                if statement.format is None and max_rows:
                    wanted = {**wanted, "max_result_rows": str(max_rows)}
                data: bytes = reader.run(statement, output_format, wanted).bytes() or b""
            finally:
                reader.close()
        except QueryError as error:
            raise _wrong(error.text, error.code) from error
        finally:
            engine.close()
    return AnswerText(data, statement.format)


def _written_out(client: Client, sql: str) -> str:
    try:
        return canonical_text(client.raw_query(formatting(sql), fmt="TabSeparatedRaw"))
    except ClickHouseError as error:
        if error_code(error) is None:
            raise
        raise _wrong(complaint(str(error), sql), error_code(error)) from error


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end the process at once: Python would wait until the engine comes back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _wrong(said: str, code: int | None) -> SightlineError:
    text = " ".join(engine_text(said).split())
    fix = _FIXES.get(code or 0, "The tables and columns are in docs/analysts.md.")
    return SightlineError(f"ClickHouse says: {text[:600]}", fix)

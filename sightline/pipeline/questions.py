"""Answers a SELECT from wherever the tables are: a server, a running writer, or a folder at rest."""

from pathlib import Path
from typing import Any, Final

from clickhouse_connect.driver.exceptions import ClickHouseError

from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.errors import SightlineError
from sightline.pipeline.tables import connect_tables, folder_at_rest, writer_port
from sightline.settings import Settings

_JSON: Final = {"output_format_json_quote_64bit_integers": 0}


def answer(settings: Settings, sql: str, output_format: str) -> str:
    """Run one SELECT and return the engine's text in one of its formats, such as CSVWithNames.

    Raises:
        SightlineError: There are no tables, nothing answers, or the SQL is wrong.
    """
    port = writer_port(settings)
    if settings.clickhouse.dsn is not None or port:
        return _ask_over_http(settings, port, sql, output_format)
    return _ask_folder(folder_at_rest(settings), settings.clickhouse.database, sql, output_format)


def _ask_over_http(settings: Settings, port: int, sql: str, output_format: str) -> str:
    try:
        client = connect_tables(settings.clickhouse, port)
        text: bytes = client.raw_query(sql, fmt=output_format, settings=_JSON)
    except (ClickHouseError, OSError) as error:
        raise _wrong(str(error)) from error
    return text.decode("utf-8", errors="replace")


def _ask_folder(folder: Path, database: str, sql: str, output_format: str) -> str:
    connection: Any = ChdbEngine(folder).raw_connection()
    try:
        connection.query(f"USE {database}")
        connection.query("SET output_format_json_quote_64bit_integers = 0, readonly = 1")
        return str(connection.query(sql, output_format).bytes().decode("utf-8", errors="replace"))
    except RuntimeError as error:
        raise _wrong(str(error)) from error
    finally:
        connection.close()


def _wrong(said: str) -> SightlineError:
    text = " ".join(said.split())
    return SightlineError(f"ClickHouse says: {text[:600]}", "The tables and columns are in docs/analysts.md.")

"""SELECTs from wherever the tables are: the writer's HTTP port, a ClickHouse server, or a folder at rest."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.clickhouse.connect import tables_folder
from sightline.clickhouse.server import in_short, open_server
from sightline.errors import SightlineError
from sightline.pipeline.accounts import Query
from sightline.redaction import scrubbed, shown
from sightline.settings import ClickHouseSettings, Settings
from sightline.stack.datadir import read_stack

CONNECT_TIMEOUT_S: Final = 5
ANSWER_TIMEOUT_S: Final = 60
SERVERS_ANSWER_TIMEOUT_S: Final = 300


def connect_tables(settings: ClickHouseSettings, http_port: int) -> Client:
    """A client for the tables of a running pipeline; raises the library's errors if nothing answers.

    Raises:
        SightlineError: `clickhouse.dsn` is not an address.
    """
    if settings.dsn is None:
        # The library logs an error with its traceback where nothing listens; a look first is quieter.
        socket.create_connection(("127.0.0.1", http_port), timeout=CONNECT_TIMEOUT_S).close()
    else:
        return open_server(settings.dsn, settings.database, SERVERS_ANSWER_TIMEOUT_S)
    return clickhouse_connect.get_client(
        host="127.0.0.1",
        port=http_port,
        database=settings.database,
        connect_timeout=CONNECT_TIMEOUT_S,
        send_receive_timeout=ANSWER_TIMEOUT_S,
        settings={"session_timezone": "UTC"},  # our own SQL is written for it, whatever analysts want
    )


def query_of(client: Client) -> Query:
    """The client as a `Query`: rows as dictionaries."""

    def query(sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        return list(client.query(sql, parameters=dict(parameters)).named_results())

    return query


@contextmanager
def open_query(settings: Settings) -> Iterator[Query]:
    """A `Query` on the tables of these settings, while the system runs or after.

    Raises:
        SightlineError: There are no tables, or nothing answers.
    """
    port = writer_port(settings)
    if settings.clickhouse.dsn is None and not port:
        with _at_rest(folder_at_rest(settings), settings.clickhouse.database) as query:
            yield query
        return
    try:
        client = connect_tables(settings.clickhouse, port)
    except (ClickHouseError, OSError) as error:
        raise no_answer(settings.clickhouse, error) from error
    try:
        yield query_of(client)
    finally:
        client.close()


def no_answer(settings: ClickHouseSettings, error: Exception) -> SightlineError:
    """Why there is no answer from the tables, for people."""
    said = in_short(error)
    if settings.dsn is None:
        return SightlineError(f"The tables do not answer: {said}.", "`sightline status` shows what runs.")
    return SightlineError(
        f"ClickHouse at {shown(settings.dsn)} does not answer: {scrubbed(said, settings.dsn)}.",
        "Check clickhouse.dsn, and that the server runs.",
    )


def writer_port(settings: Settings) -> int:
    """The HTTP port of the writer that runs in the data folder; 0 if none does."""
    state = read_stack(settings.data.dir.absolute())
    return int(state.clickhouse.get("http_port", 0)) if state is not None else 0


def folder_at_rest(settings: Settings) -> Path:
    """The tables' folder in the data folder; raises SightlineError if there is none."""
    folder = tables_folder(settings.data.dir.absolute())
    if not folder.is_dir():
        raise SightlineError(
            f"There are no tables in {folder.parent}.", "Name the data folder of a run with --data."
        )
    return folder


@contextmanager
def _at_rest(folder: Path, database: str) -> Iterator[Query]:
    engine = ChdbEngine(folder)
    client = engine.client()
    try:
        client.command(f"USE {database}")
        yield query_of(client)
    finally:
        client.close()
        engine.close()

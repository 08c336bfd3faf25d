"""SELECTs for the pipeline's own use: from the writer's HTTP port, or from a ClickHouse server."""

import socket
from collections.abc import Mapping
from typing import Any, Final

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from sightline.pipeline.accounts import Query
from sightline.settings import ClickHouseSettings

CONNECT_TIMEOUT_S: Final = 5
ANSWER_TIMEOUT_S: Final = 60


def connect_tables(settings: ClickHouseSettings, http_port: int) -> Client:
    """A client for the tables of a running pipeline; raises the library's errors if nothing answers."""
    if settings.dsn is None:
        # The library logs an error with its traceback where nothing listens; a look first is quieter.
        socket.create_connection(("127.0.0.1", http_port), timeout=CONNECT_TIMEOUT_S).close()
    else:
        return clickhouse_connect.get_client(dsn=settings.dsn, database=settings.database)
    return clickhouse_connect.get_client(
        host="127.0.0.1",
        port=http_port,
        database=settings.database,
        connect_timeout=CONNECT_TIMEOUT_S,
        send_receive_timeout=ANSWER_TIMEOUT_S,
    )


def query_of(client: Client) -> Query:
    """The client as a `Query`: rows as dictionaries."""

    def query(sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        return list(client.query(sql, parameters=dict(parameters)).named_results())

    return query

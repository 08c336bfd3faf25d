"""A connection through clickhouse-connect, which speaks to the engine in process and to servers alike."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sightline.clickhouse.database import Capabilities, Row, UnavailableError, refused
from sightline.clickhouse.native import Block
from sightline.errors import SightlineError

_INSERT: Final = {
    "async_insert": 0,  # the default gathers inserts and answers before they are stored
    "max_insert_block_size": 10_000_000,  # a block must stay one part: that is what makes it atomic
    "insert_deduplicate": 1,
    "optimize_on_insert": 0,  # what a block would be rid of is not in it
    "max_threads": 1,
}


class ClientDatabase:
    """`Database` over a clickhouse-connect client; see there for what each method does.

    Args:
        open_client: Opens one; also after an error in process, where a connection begins its next answer with
            what the failed query had found (chDB 4.4).
        capabilities: What this back end can do.
    """

    def __init__(self, open_client: Callable[[], Client], capabilities: Capabilities) -> None:
        self._open_client = open_client
        self._client = open_client()
        self._capabilities = capabilities

    @property
    def capabilities(self) -> Capabilities:
        """What this back end can do."""
        return self._capabilities

    def command(self, sql: str) -> None:
        """Run a statement that gives no rows."""
        try:
            self._client.command(sql)
        except ClickHouseError as error:
            raise self._failed(f"run {_short(sql)}", error) from error

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        """Run a query and return all its rows."""
        try:
            return self._client.query(sql, parameters=dict(parameters or {})).result_rows
        except ClickHouseError as error:
            raise self._failed(f"answer {_short(sql)}", error) from error

    def insert(self, table: str, rows: Block, token: str) -> None:
        """Insert a block as one part."""
        try:
            self._client.raw_insert(
                table,
                [column.name for column in rows.columns],
                rows.to_bytes(),
                fmt="Native",
                settings=_INSERT | {"insert_deduplication_token": token},
            )
        except ClickHouseError as error:
            raise self._failed(f"insert into {table}", error) from error

    def close(self) -> None:
        """Give the connection up."""
        self._client.close()

    def _failed(self, doing: str, error: ClickHouseError) -> UnavailableError | SightlineError:
        if self._capabilities.embedded:
            # The new one first: with its last connection the engine ends.
            used, self._client = self._client, self._open_client()
            used.close()
        return refused(doing, error_code(error), str(error))


def error_code(error: ClickHouseError) -> int | None:
    """ClickHouse's number for the error; None if it came from the way there."""
    code = getattr(error, "code", None)
    return code if isinstance(code, int) else None


def _short(sql: str) -> str:
    text = " ".join(sql.split())
    return text if len(text) <= 80 else f"{text[:77]}..."

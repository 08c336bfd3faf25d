"""What Sightline asks of a ClickHouse, whichever back end answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sightline.clickhouse.native import Block
from sightline.errors import SightlineError

Row = Sequence[Any]


class UnavailableError(Exception):
    """The database did not answer, or is too busy: the same call may work later."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What differs between back ends.

    Attributes:
        embedded: The engine runs in this process, which alone can use the folder of its tables.
    """

    embedded: bool


class Database(Protocol):
    """A connection. One thread at a time uses it."""

    @property
    def capabilities(self) -> Capabilities:
        """What this back end can do."""
        ...

    def command(self, sql: str) -> None:
        """Run a statement that gives no rows."""
        ...

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        """Run a query and return all its rows; `{name:Type}` in it takes a parameter."""
        ...

    def insert(self, table: str, rows: Block, token: str) -> None:
        """Insert a block as one part of the table, whole or not at all.

        A block whose token the table has seen is dropped, whatever is in it: an insert whose outcome is not
        known can be sent again.

        Raises:
            UnavailableError: No answer; the rows may or may not be in the table.
            SightlineError: The database refused, and would do so again.
        """
        ...

    def close(self) -> None:
        """Give the connection up."""
        ...


# The names are in ClickHouse's src/Common/ErrorCodes.cpp.
_LATER = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        160,  # TOO_SLOW
        164,  # READONLY: a server that starts or is shutting a replica down
        173,  # CANNOT_ALLOCATE_MEMORY
        201,  # QUOTA_EXCEEDED
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        225,  # NO_ZOOKEEPER
        236,  # ABORTED
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY: a replica without its keeper
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS
        279,  # ALL_CONNECTION_TRIES_FAILED
        285,  # TOO_FEW_LIVE_REPLICAS
        286,  # UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
        319,  # UNKNOWN_STATUS_OF_INSERT
        394,  # QUERY_WAS_CANCELLED
        425,  # SYSTEM_ERROR: a full disk, for one
        439,  # CANNOT_SCHEDULE_TASK
        473,  # DEADLOCK_AVOIDED
        735,  # QUERY_WAS_CANCELLED_BY_CLIENT
        999,  # KEEPER_EXCEPTION
    }
)
_DISK = frozenset({74, 75, 76, 243})  # cannot read, write or open a file, not enough space
_FIXES = {
    16: "Run this version's writer once, it adds the columns; or drop the database if it is not Sightline's.",
    60: "Was the table dropped? Restart the writer: it makes what is missing.",
    81: "Was the database dropped? Restart the writer: it makes what is missing.",
    192: "Check user and password in clickhouse.dsn.",
    193: "Check user and password in clickhouse.dsn.",
    194: "Check user and password in clickhouse.dsn.",
    497: "Give the user of clickhouse.dsn CREATE, INSERT and SELECT on the database.",
    516: "Check user and password in clickhouse.dsn.",
}


def refused(doing: str, code: int | None, message: str) -> UnavailableError | SightlineError:
    """Tell an error that passes from one that stays, by ClickHouse's error code (None: no answer came).

    Args:
        doing: What was tried, such as "insert into sightline.tracks".
        code: ClickHouse's number for the error.
        message: What it said.
    """
    said = " ".join(message.split())[:300]
    if code is None or code in _LATER or code in _DISK:
        return UnavailableError(f"{doing}: {said}")
    return SightlineError(f"ClickHouse refused to {doing}: {said}", _FIXES.get(code, ""))

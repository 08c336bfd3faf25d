"""ClickHouse's engine in this process, with its tables in a folder."""

import fcntl
import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from clickhouse_connect.driver.client import Client

from sightline.clickhouse.client import ClientDatabase
from sightline.clickhouse.database import Capabilities, Database
from sightline.errors import SightlineError

# The engine counts on a machine of its own; here it lives beside everything else.
_ENGINE: Final = {
    "max_server_memory_usage": 1_500_000_000,
    "mark_cache_size": 64 << 20,
    "uncompressed_cache_size": 0,
    "index_mark_cache_size": 16 << 20,
    "mmap_cache_size": 64,
    "compiled_expression_cache_size": 16 << 20,
}


class ChdbEngine:
    """The engine over one folder. One process at a time can have it; it opens many connections.

    Args:
        folder: Where the tables are, made if missing.
    """

    capabilities = Capabilities(embedded=True)

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._lock: int | None = None

    def connect(self) -> Database:
        """Open a connection, for one thread at a time.

        Raises:
            SightlineError: chDB is not installed, the folder belongs to another process or cannot be used.
        """
        return ClientDatabase(self.client(), self.capabilities)

    def client(self) -> Client:
        """Open a connection as a bare client of clickhouse-connect.

        Raises:
            SightlineError: As `connect`.
        """
        self._claim()
        try:
            import clickhouse_connect

            return clickhouse_connect.get_client(
                interface="chdb", path=str(self._folder), chdb_options=dict(_ENGINE)
            )
        except ImportError as error:
            raise SightlineError(
                "ClickHouse's engine is not installed.",
                'Install it with: pip install "sightline[local]", or set clickhouse.dsn to use a server.',
            ) from error
        except Exception as error:  # chdb raises bare RuntimeErrors, wrapped or not
            cause = error.__cause__ or error
            raise self._unusable(f"{cause.__cause__ or cause}") from error

    def raw_connection(self) -> Any:
        """A bare `chdb.Connection` to the same engine, for a caller that passes results on as bytes.

        Raises:
            SightlineError: As `connect`.
        """
        self._claim()
        import chdb

        return chdb.connect(  # type: ignore[no-untyped-call]  # chdb ships no types
            f"{os.path.realpath(self._folder)}?{urlencode(_ENGINE)}"
        )

    def close(self) -> None:
        """Let another process have the folder. The connections must be closed already."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _claim(self) -> None:
        # The engine has a lock too, and says of it no more than that it cannot start.
        if self._lock is not None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._folder.with_name(self._folder.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise SightlineError(
                f"The tables in {self._folder} are in use by another process.",
                "Stop the other writer, or use another data folder.",
            ) from error
        self._lock = lock

    def _unusable(self, said: str) -> SightlineError:
        text = " ".join(said.split())[:300]
        return SightlineError(
            f"Cannot open the tables in {self._folder}: {text}.",
            "Is the folder writable and the disk not full?",
        )

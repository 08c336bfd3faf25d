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
    "session_timezone": "UTC",
}
_OPEN_FOLDERS: Final = Path("/proc/self/fd")


class ChdbEngine:
    """The engine over one folder. One process at a time can have it; it opens many connections.

    Args:
        folder: Where the tables are, made if missing.
    """

    capabilities = Capabilities(embedded=True)

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._lock: int | None = None
        self._opened: int | None = None

    def connect(self) -> Database:
        """Open a connection, for one thread at a time.

        Raises:
            SightlineError: chDB is not installed, the folder belongs to another process or cannot be used.
        """
        return ClientDatabase(self.client, self.capabilities)

    def client(self) -> Client:
        """Open a connection as a bare client of clickhouse-connect.

        Raises:
            SightlineError: As `connect`.
        """
        self._claim()
        try:
            import clickhouse_connect

            _import_engine()
            return clickhouse_connect.get_client(
                interface="chdb", path=self._address, chdb_options=dict(_ENGINE)
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
        try:
            return _import_engine().connect(f"{self._address}?{urlencode(_ENGINE)}")
        except RuntimeError as error:
            raise self._unusable(str(error)) from error

    def close(self) -> None:
        """Let another process have the folder. The connections must be closed already."""
        for descriptor in (self._opened, self._lock):
            if descriptor is not None:
                os.close(descriptor)
        self._opened = self._lock = None

    @property
    def _address(self) -> str:
        """The folder as the engine is told it, the same for all connections.

        Its own path could hold what ends a path there, such as a question mark, or letters of no encoding.
        """
        if self._opened is not None:
            return f"file:{_OPEN_FOLDERS / str(self._opened)}"
        return f"file:{os.path.realpath(self._folder)}"

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
        if _OPEN_FOLDERS.is_dir():
            self._opened = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)

    def _unusable(self, said: str) -> SightlineError:
        text = " ".join(said.split())[:300]
        return SightlineError(
            f"Cannot open the tables in {self._folder}: {text}.",
            "Is the folder writable and the disk not full?",
        )


def _import_engine() -> Any:
    """chdb. It asks for the machine's time zone when it is loaded, and fails in one that it does not know.

    Raises:
        ImportError: It is not installed.
    """
    zone = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    try:
        import chdb
    finally:
        if zone is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = zone
    return chdb

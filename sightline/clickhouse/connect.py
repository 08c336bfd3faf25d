"""Which ClickHouse: the server that the settings name, or the engine in this process."""

from pathlib import Path
from typing import Protocol

from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.clickhouse.database import Capabilities, Database
from sightline.clickhouse.server import Server
from sightline.settings import ClickHouseSettings


class BackEnd(Protocol):
    """A ClickHouse that connections can be opened to."""

    @property
    def capabilities(self) -> Capabilities:
        """What this back end can do."""
        ...

    def connect(self) -> Database:
        """Open a connection, for one thread at a time.

        Raises:
            UnavailableError: Nothing answers.
            SightlineError: It cannot be used; trying again is of no use.
        """
        ...

    def close(self) -> None:
        """Give back what `connect` claimed for this process."""
        ...


def tables_folder(data_dir: Path) -> Path:
    """Where in a data folder the engine in process keeps its tables."""
    return data_dir / "clickhouse"


def back_end(settings: ClickHouseSettings, data_dir: Path) -> ChdbEngine | Server:
    """The back end of these settings; nothing is opened yet."""
    if settings.dsn is None:
        return ChdbEngine(tables_folder(data_dir))
    return Server(settings.dsn)

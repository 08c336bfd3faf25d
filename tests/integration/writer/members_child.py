"""Several writers of a group on one ClickHouse, in one process: `python members_child.py SETTINGS DATA_DIR`.

Each line on standard input is a command: `start NAME`, `stop NAME`, `down` and `up` (the database is not
there), `lose N` (the next N inserts are stored and their answers lost), `end`. The port is printed first.
"""

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from consumers.writer.service import write_to
from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.clickhouse.connect import tables_folder
from sightline.clickhouse.database import Capabilities, Database, Row, UnavailableError
from sightline.clickhouse.http import HttpPort
from sightline.clickhouse.migrate import migrate
from sightline.clickhouse.native import Block
from sightline.settings import Settings


class Trouble:
    """What goes wrong with the database."""

    def __init__(self) -> None:
        self.is_down = False
        self.answers_to_lose = 0
        self._lock = threading.Lock()

    def check(self) -> None:
        """Fail if the database is not there."""
        if self.is_down:
            raise UnavailableError("the test took it down")

    def loses_answer(self) -> bool:
        """Whether the answer that is due now gets lost."""
        with self._lock:
            self.answers_to_lose -= 1
            return self.answers_to_lose >= 0


class TroubledDatabase:
    """A connection as to a server, with trouble on the way."""

    capabilities = Capabilities(embedded=False)

    def __init__(self, inner: Database, trouble: Trouble) -> None:
        self._inner = inner
        self._trouble = trouble

    def command(self, sql: str) -> None:
        """As the inner one."""
        self._trouble.check()
        self._inner.command(sql)

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        """As the inner one."""
        self._trouble.check()
        return self._inner.rows(sql, parameters)

    def insert(self, table: str, rows: Block, token: str) -> None:
        """As the inner one; its answer may get lost."""
        self._trouble.check()
        self._inner.insert(table, rows, token)
        if self._trouble.loses_answer():
            raise UnavailableError("the test lost the answer")

    def close(self) -> None:
        """As the inner one."""
        self._inner.close()


class Members:
    """The writers that run."""

    def __init__(self, settings: Settings, engine: ChdbEngine, trouble: Trouble) -> None:
        self._settings = settings
        self._engine = engine
        self._trouble = trouble
        self._running: dict[str, tuple[threading.Thread, threading.Event]] = {}

    def start(self, name: str) -> None:
        """Add a member."""
        stop = threading.Event()
        database = TroubledDatabase(self._engine.connect(), self._trouble)
        args: tuple[Any, ...] = (database, self._settings, _nothing, _heed_no_step, stop)
        thread = threading.Thread(target=write_to, args=args)
        self._running[name] = (thread, stop)
        thread.start()

    def stop(self, name: str) -> None:
        """Let a member leave in good order."""
        thread, stop = self._running.pop(name)
        stop.set()
        thread.join()

    def stop_all(self) -> None:
        """Let all leave."""
        for name in list(self._running):
            self.stop(name)


def _nothing() -> None: ...


def _heed_no_step(_: str) -> None: ...


def main() -> None:
    settings = Settings.model_validate_json(sys.argv[1])
    engine, trouble = ChdbEngine(tables_folder(Path(sys.argv[2]))), Trouble()
    migrate(engine.connect(), settings.clickhouse.database)
    members = Members(settings, engine, trouble)
    with HttpPort(engine, settings.clickhouse.database) as http:
        sys.stdout.write(f"{http.port}\n")
        sys.stdout.flush()
        commands: dict[str, Callable[[str], None]] = {
            "start": members.start,
            "stop": members.stop,
            "down": lambda _: setattr(trouble, "is_down", True),
            "up": lambda _: setattr(trouble, "is_down", False),
            "lose": lambda count: setattr(trouble, "answers_to_lose", int(count)),
        }
        for line in sys.stdin:
            word, _, rest = line.strip().partition(" ")
            if word == "end":
                break
            commands[word](rest)
            sys.stdout.write("done\n")
            sys.stdout.flush()
        members.stop_all()


if __name__ == "__main__":
    main()

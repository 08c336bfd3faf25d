"""A ClickHouse server, reached by its HTTP interface."""

import logging
import re

from clickhouse_connect.driver.client import Client

from sightline.addresses import ADDRESS_OF_SERVER, ENCODE, check_encoded
from sightline.clickhouse.client import ClientDatabase, error_code
from sightline.clickhouse.database import Capabilities, Database, refused
from sightline.clickhouse.reading import engine_text
from sightline.errors import SightlineError
from sightline.redaction import scrubbed, shown

_REASON = re.compile(r"(?<=] )(Connection|No route|Network|Name or|Temporary)[^'\"()\[\]]+|timed out")
_CONNECT_TIMEOUT_S = 5
_ANSWER_TIMEOUT_S = 30


def open_server(dsn: str, database: str | None = None, answer_timeout_s: int = _ANSWER_TIMEOUT_S) -> Client:
    """A client of the server at an address; raises the library's errors if it does not answer.

    Raises:
        SightlineError: The address is no address.
    """
    check_encoded(dsn, shown(dsn), of_server=True)
    import clickhouse_connect

    # Without a handler the library's own account of an error goes to the terminal.
    logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())
    try:
        return clickhouse_connect.get_client(
            dsn=dsn,
            database=database,
            autogenerate_session_id=False,  # a session lets one query run at a time, also after its death
            connect_timeout=_CONNECT_TIMEOUT_S,
            send_receive_timeout=answer_timeout_s,
        )
    except (ValueError, TypeError) as error:
        # The library's words may be a piece of the password, so they are not told.
        raise SightlineError(
            f"clickhouse.dsn is {shown(dsn)}, which is not an address.",
            f"{ADDRESS_OF_SERVER} {ENCODE}",
        ) from error


def in_short(error: Exception) -> str:
    """Why a server did not answer, without what the library puts around it."""
    reason = _REASON.search(str(error))
    return reason[0].strip() if reason else " ".join(engine_text(str(error)).split())[:300].rstrip(".")


class Server:
    """A server by its address.

    Args:
        dsn: `clickhouse://user:password@host:port`; the port is that of ClickHouse's HTTP interface.
    """

    capabilities = Capabilities(embedded=False)

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def connect(self) -> Database:
        """Open a connection, for one thread at a time.

        Raises:
            UnavailableError: Nothing answers there.
            SightlineError: It answers, and refuses this user, or the address is no address.
        """
        from clickhouse_connect.driver.exceptions import ClickHouseError

        try:
            return ClientDatabase(lambda: open_server(self._dsn), self.capabilities)
        except ClickHouseError as error:
            raise refused("let us in", error_code(error), scrubbed(in_short(error), self._dsn)) from error

    def close(self) -> None:
        """Nothing to give back."""

"""A ClickHouse server, reached by its HTTP interface."""

from clickhouse_connect.driver.client import Client

from sightline.addresses import ENCODE, check_encoded
from sightline.clickhouse.client import ClientDatabase, error_code
from sightline.clickhouse.database import Capabilities, Database, refused
from sightline.errors import SightlineError
from sightline.redaction import scrubbed, shown

_CONNECT_TIMEOUT_S = 5
_ANSWER_TIMEOUT_S = 30


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
        check_encoded(self._dsn, shown(self._dsn), of_server=True)
        import clickhouse_connect
        from clickhouse_connect.driver.exceptions import ClickHouseError

        def open_client() -> Client:
            return clickhouse_connect.get_client(
                dsn=self._dsn,
                autogenerate_session_id=False,  # a session lets one query run at a time, also after its death
                connect_timeout=_CONNECT_TIMEOUT_S,
                send_receive_timeout=_ANSWER_TIMEOUT_S,
            )

        try:
            return ClientDatabase(open_client, self.capabilities)
        except ClickHouseError as error:
            raise refused("let us in", error_code(error), scrubbed(str(error), self._dsn)) from error
        except (ValueError, TypeError) as error:
            # The library's words may be a piece of the password, so they are not told.
            raise SightlineError(
                f"clickhouse.dsn is {shown(self._dsn)}, which is not an address.",
                f"It looks like clickhouse://user:password@host:8123. {ENCODE}",
            ) from error

    def close(self) -> None:
        """Nothing to give back."""

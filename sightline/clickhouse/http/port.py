"""The listening side of the HTTP port: loopback only, a thread for each connection, bounded in every way."""

import logging
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from sightline.clickhouse.http.answers import BAD_REQUEST, Answer, Answerer
from sightline.clickhouse.http.limits import IDLE_TIMEOUT_S, MAX_BODY_BYTES, MAX_CONNECTIONS
from sightline.clickhouse.http.requests import RequestError, is_local, query_request
from sightline.clickhouse.reading import UTC, RawEngine
from sightline.errors import SightlineError

_log = logging.getLogger(__name__)

_LOOPBACK: Final = "127.0.0.1"
_MOST_DISCARDED_BYTES: Final = 64 << 20
_TYPES: Final = {
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "Native": "application/octet-stream",
}


class HttpPort:
    """Serves queries from entering to leaving the context.

    Args:
        engine: The engine to ask.
        database: The database that names without one belong to.
        port: Where to listen; 0 takes a free port.
        time_zone: Of queries that name none.
    """

    def __init__(self, engine: RawEngine, database: str, port: int = 0, time_zone: str = UTC) -> None:
        self._engine = engine
        self._database = database
        self._wanted = port
        self._time_zone = time_zone
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port that it listens on; 0 outside the context."""
        return self._server.server_address[1] if self._server is not None else 0

    def __enter__(self) -> Self:
        """Listen.

        Raises:
            SightlineError: The port is taken.
        """
        answerer = Answerer(self._engine, self._database, self._time_zone)
        try:
            self._server = _Server((_LOOPBACK, self._wanted), answerer)
        except OSError as error:
            answerer.close()
            raise SightlineError(
                f"Port {self._wanted} for ClickHouse's HTTP cannot be used: {error.strerror or error}.",
                "Set clickhouse.http_port to another, or to 0 for a free one.",
            ) from error
        threading.Thread(target=self._server.serve_forever, args=(0.2,), name="http", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.answerer.close()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], answerer: Answerer) -> None:
        self.answerer = answerer
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread, or close it if there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is nothing to report."""
        _log.debug("A connection ended in an error", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Sightline"
    sys_version = ""
    timeout = IDLE_TIMEOUT_S
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """A query in the URL, or a question whether we live."""
        self._serve(b"")

    def do_HEAD(self) -> None:
        """As GET, without the body."""
        self._serve(b"")

    def do_POST(self) -> None:
        """A query in the body, the URL, or both."""
        try:
            body = self._body()
        except RequestError as error:
            self.close_connection = True  # what is left of the body must not be read as a request
            self._send(_bad(str(error)))
            return
        self._serve(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        """Requests are not logged: a dashboard asks every few seconds."""
        _log.debug(format, *args)

    def _serve(self, body: bytes) -> None:
        url = urlsplit(self.path)
        if not is_local(self.headers.get("Host")):
            self._send(
                _bad("this port answers to loopback names only, not to the host that was asked for", 403)
            )
        elif url.path in ("/ping", "/replicas_status") or (url.path == "/" and not url.query and not body):
            self._send(Answer(200, b"Ok.\n", {"Content-Type": "text/plain; charset=UTF-8"}))
        elif url.path not in ("/", "/query"):
            self._send(_bad(f"there is nothing at {url.path[:80]}", 404))
        else:
            try:
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = query_request(url.query, headers, body)
            except (RequestError, ValueError) as error:
                self._send(_bad(str(error)))
                return
            answer = self.server.answerer.answer(request)
            query_id = request.parameters.get("query_id") or str(uuid.uuid4())
            self._send(answer, query_id)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        try:
            length = int(self.headers.get("Content-Length", "0"))
        except ValueError as error:
            raise RequestError("Content-Length is no number") from error
        if not 0 <= length <= MAX_BODY_BYTES:
            self._discard(length)
            raise RequestError(f"the request is over {MAX_BODY_BYTES} bytes")
        return self.rfile.read(length)

    def _discard(self, length: int) -> None:
        """Read on for a while: a client that is still sending does not see the answer."""
        left = min(max(length, 0), _MOST_DISCARDED_BYTES)
        while left and (piece := self.rfile.read(min(left, 65_536))):
            left -= len(piece)

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            try:
                size = int(self.rfile.readline(64).split(b";")[0], 16)
            except ValueError as error:
                raise RequestError("a chunk has no size") from error
            if not 0 <= size <= MAX_BODY_BYTES - len(body):
                raise RequestError(f"the request is over {MAX_BODY_BYTES} bytes")
            body += self.rfile.read(size)
            self.rfile.readline(8)
            if size == 0:
                return bytes(body)

    def _send(self, answer: Answer, query_id: str = "") -> None:
        kind = _TYPES.get(answer.headers.get("X-ClickHouse-Format", ""), "text/plain; charset=UTF-8")
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(answer.body)),
            "X-ClickHouse-Server-Display-Name": "sightline",
            "X-ClickHouse-Timezone": self.server.answerer.timezone,
            **({"X-ClickHouse-Query-Id": _header(query_id)} if query_id else {}),
            **answer.headers,
        }
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)


def _header(text: str) -> str:
    """A client's text, safe in a header."""
    return "".join(letter for letter in text[:100] if letter.isascii() and letter.isprintable())


def _bad(reason: str, status: int = 400) -> Answer:
    text = f"Code: {BAD_REQUEST}. DB::Exception: {reason}. (BAD_ARGUMENTS)\n"
    return Answer(
        status,
        text.encode(),
        {
            "X-ClickHouse-Exception-Code": str(BAD_REQUEST),
            "Content-Type": "text/plain; charset=UTF-8",
        },
    )

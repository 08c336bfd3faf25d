"""One HTTP request as a query: where its SQL, parameters and format are. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import Final
from urllib.parse import parse_qsl

from sightline.clickhouse.http.limits import TRANSPORT

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})


class RequestError(Exception):
    """A request that is no query; the text says why."""


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """What a client asks.

    Attributes:
        sql: The statement.
        parameters: The URL's parameters, and a form's fields.
        format: Output format where the statement names none.
    """

    sql: str
    parameters: Mapping[str, str]
    format: str

    @property
    def settings(self) -> dict[str, str]:
        """What is meant for the engine."""
        return {
            name: value
            for name, value in self.parameters.items()
            if name not in TRANSPORT and not name.startswith("param_")
        }

    @property
    def bound(self) -> dict[str, str]:
        """The values of the statement's `{name:Type}`, by name."""
        prefix = "param_"
        return {
            name.removeprefix(prefix): value
            for name, value in self.parameters.items()
            if name.startswith(prefix)
        }


def is_local(host: str | None) -> bool:
    """Whether a Host header names this machine: a page of a site whose name resolves to it must not read."""
    if host is None:
        return True
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    return name.lower() in LOOPBACK_NAMES


def query_request(url_query: str, headers: Mapping[str, str], body: bytes) -> QueryRequest:
    """Read a request.

    Args:
        url_query: What follows the question mark.
        headers: The headers, by names in lower case.
        body: The body.

    Raises:
        RequestError: It cannot be read.
    """
    parameters = dict(parse_qsl(url_query, keep_blank_values=True, max_num_fields=1000))
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "") or parameters.get("decompress", "0") not in ("0", ""):
        raise RequestError("compressed requests are not supported here; send the query as it is")
    if parameters.get("compress", "0") not in ("0", ""):
        raise RequestError("answers are not compressed here; set the client's compression to none or gzip")
    if headers.get("content-type", "").lower().startswith("multipart/form-data"):
        parameters |= _form_fields(headers["content-type"], body)
        body = b""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise RequestError("the query is not UTF-8") from error
    sql = "\n".join(part for part in (parameters.get("query", ""), text) if part.strip())
    named = headers.get("x-clickhouse-format") or parameters.get("default_format") or "TabSeparated"
    if not named.isalnum() or not named.isascii():
        raise RequestError("the format's name is no name")
    return QueryRequest(sql, parameters, named)


def _form_fields(content_type: str, body: bytes) -> dict[str, str]:
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n" + body
    )
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() is not None:
            raise RequestError("external tables are not supported here")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = content.decode(errors="replace")
    return fields

"""Downloads one file of a known size and digest over HTTP, and goes on where a broken download stopped."""

import base64
import fcntl
import hashlib
import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from sightline.errors import SightlineError

Progress = Callable[[int], None]
"""Told how many bytes are there, from time to time."""

TIMEOUT_S: Final = 30.0
FRUITLESS_TRIES: Final = 4
"""Tries in a row that bring no new byte, before the download is given up."""

MOST_TRIES: Final = 1000
"""Tries in all: a connection that breaks after some bytes each time would go on for days."""

_CHUNK_BYTES: Final = 1 << 16
_FIRST_WAIT_S: Final = 0.5
_LASTING: Final = frozenset({400, 401, 403, 404, 405, 410, 451})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Wanted:
    """A file.

    Attributes:
        address: Where it is, http or https; a name and a password in it are used and never shown.
        bytes: Its size.
        sha256: Its digest, hexadecimal.
    """

    address: str
    bytes: int
    sha256: str


class _BrokenError(Exception):
    """The download stopped; it may go on. Its text says why."""


def shown(address: str) -> str:
    """An address without the name and password in it."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def download(
    wanted: Wanted, part: Path, progress: Progress, wait: Callable[[float], None] = time.sleep
) -> None:
    """Fetch a file into `part`, whole and of the right digest.

    What `part` holds of an earlier try is not fetched again, if the server can start in the middle. A
    download that is given up or interrupted leaves it, so that the next one goes on; a file of another digest
    is deleted.

    Args:
        wanted: The file.
        part: Where it is put; its folder must exist.
        progress: Shown how far it is.
        wait: Waits some seconds before another try.

    Raises:
        SightlineError: It cannot be had, or is another file.
    """
    try:
        with _alone(part) as file:
            resumed = file.seek(0, os.SEEK_END) > 0
            _fetch_all(wanted, file, progress, wait)
            if resumed and digest_of(part) != wanted.sha256:
                # The first bytes may have been another file's.
                file.truncate(0)
                _fetch_all(wanted, file, progress, wait)
            if (found := digest_of(part)) != wanted.sha256:
                part.unlink()
                raise SightlineError(
                    f"What {shown(wanted.address)} gave has the SHA-256 {found}; expected {wanted.sha256}. "
                    "It was deleted.",
                    "Do not use what this address gives: try another with --mirror, or a file with --file.",
                )
    except OSError as error:
        raise SightlineError(
            f"Cannot write {part}: {error.strerror or error}.", "Make room, or name another folder with --to."
        ) from error


def digest_of(file: Path) -> str:
    """A file's SHA-256, hexadecimal."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


@contextmanager
def _alone(part: Path) -> Iterator[BinaryIO]:
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SightlineError(
                f"Another process downloads {part.name} into {part.parent}.", "Wait until it has ended."
            ) from None
        yield file


def _fetch_all(wanted: Wanted, file: BinaryIO, progress: Progress, wait: Callable[[float], None]) -> None:
    most, tries, fruitless, reason = file.seek(0, os.SEEK_END), 0, 0, ""
    if most > wanted.bytes:
        most = file.truncate(0)
    while file.seek(0, os.SEEK_END) < wanted.bytes:
        if fruitless == FRUITLESS_TRIES or tries == MOST_TRIES:
            raise SightlineError(f"Cannot download {shown(wanted.address)} ({reason}).")
        if fruitless:
            wait(_FIRST_WAIT_S * 2 ** (fruitless - 1))
        try:
            _fetch(wanted, file, progress)
        except _BrokenError as error:
            reason = str(error)
        there = file.seek(0, os.SEEK_END)
        tries += 1
        # A server that always starts from the beginning brings nothing new until it gets further than before.
        fruitless = 0 if there > most else fruitless + 1
        most = max(most, there)


def _fetch(wanted: Wanted, file: BinaryIO, progress: Progress) -> None:
    """Fetch what is missing; raises `_BrokenError` if the rest may be had later, `SightlineError` if not."""
    start = file.seek(0, os.SEEK_END)
    try:
        with _open(wanted.address, start) as response:
            if start and not _goes_on(response, start):
                start = file.truncate(0)
            if not start:
                _check_length(wanted, response)
            while chunk := response.read(_CHUNK_BYTES):
                start += len(chunk)
                if start > wanted.bytes:
                    file.truncate(0)
                    raise _another_file(wanted, f"more than {wanted.bytes}")
                _write(file, chunk)
                progress(start)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            file.truncate(0)
        if error.code in _LASTING:
            raise SightlineError(
                f"Cannot download {shown(wanted.address)} (HTTP {error.code} {_printable(error.reason)})."
            ) from error
        raise _BrokenError(f"HTTP {error.code} {_printable(error.reason)}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenError(_reason(error)) from error
    if start < wanted.bytes:
        raise _BrokenError(f"the connection ended after {start} of {wanted.bytes} bytes")


def _check_length(wanted: Wanted, response: http.client.HTTPResponse) -> None:
    """A page that asks for a login, say, is seen before it is fetched."""
    packed = response.headers.get("Content-Encoding", "identity")
    if packed != "identity":
        raise SightlineError(
            f"{shown(wanted.address)} is sent packed ({_printable(packed)}), which was not asked for."
        )
    told = response.headers.get("Content-Length")
    if told is not None and told != str(wanted.bytes):
        raise _another_file(wanted, told)


def _another_file(wanted: Wanted, found: str) -> SightlineError:
    return SightlineError(
        f"{shown(wanted.address)} gives another file, of {found} bytes; expected {wanted.bytes}."
    )


def _write(file: BinaryIO, chunk: bytes) -> None:
    try:
        file.write(chunk)
        file.flush()
    except OSError as error:
        raise SightlineError(
            f"Cannot write {file.name}: {error.strerror or error}.",
            "Make room, or name another folder with --to.",
        ) from error


def _open(address: str, start: int) -> http.client.HTTPResponse:
    parts = urlsplit(address)
    # Umlauts and blanks are encoded, what is encoded already stays.
    plain = urlsplit(shown(address))
    path, query = (quote(part, safe="/:@!$&'()*+,;=~%?") for part in (plain.path, parts.query))
    request = urllib.request.Request(urlunsplit(plain._replace(path=path, query=query)))  # noqa: S310  # the scheme was checked
    request.add_header("User-Agent", "sightline")
    if start:
        request.add_header("Range", f"bytes={start}-")
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    # The environment's proxies cannot reach this machine's own loopback.
    direct = [urllib.request.ProxyHandler({})] if parts.hostname in _LOOPBACK else []
    opener = urllib.request.build_opener(*direct)
    try:
        response: http.client.HTTPResponse = opener.open(request, timeout=TIMEOUT_S)
    except ValueError as error:
        # Of an address that a server redirects to: that of the mirror was checked.
        raise SightlineError(
            f"Cannot download {shown(address)} (it leads to what is no address: {_printable(error)})."
        ) from error
    return response


def _goes_on(response: http.client.HTTPResponse, start: int) -> bool:
    """Whether a server sends from the byte that was asked for; many send the whole file instead."""
    return response.status == 206 and (response.headers.get("Content-Range") or "").startswith(
        f"bytes {start}-"
    )


def _reason(error: Exception) -> str:
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {inner.verify_message}"
    return _printable(inner) or type(inner).__name__


def _printable(said: object) -> str:
    """What a server or a library says, without what would move a terminal's cursor."""
    return "".join(letter for letter in str(said) if letter.isprintable())[:200]


def check_address(address: str) -> None:
    """Refuse what is no address of a file on a web server; raises SightlineError."""
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise SightlineError(
            "The mirror is no address of a web server.", "Give one as https://mirror.example/models."
        )

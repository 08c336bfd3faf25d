"""Addresses of cameras and servers, taken apart also where a password was not encoded.

A user name or a password may hold `/`, `?`, `#` and `@` that nobody encoded. By the rules (RFC 3986, 3.2) the
host would then begin in the middle of the password, so the rules alone would show the rest of it.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from sightline.errors import SightlineError

ENCODE: Final = (
    "In a user or a password write %2F for /, %3F for ?, %23 for #, %40 for @, %3A for : and %25 for %; "
    "write %40 for an @ behind the host."
)

# An example in one piece would be taken for a password and hidden.
ADDRESS_OF_SERVER: Final = (
    "It is clickhouse://, then user:password@ where they are needed, then host:port, such as "
    "clickhouse://10.0.0.7:8123."
)

_SCHEME: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*)://", re.ASCII)
_HOST_AND_PORT: Final = re.compile(r"(\[[^\[\]@]*\]|[^:\[\]@]*)(?::(\d*))?\Z", re.ASCII)
_NUMBER_OR_LOCAL: Final = re.compile(
    r"\[[0-9A-Fa-f:.%\w]+\]|(\d{1,3}\.){3}\d{1,3}|localhost", re.ASCII | re.I
)
_NAME: Final = re.compile(r"(?=.*[^\W\d_])\w[\w.-]*")
_DOTTED: Final = re.compile(r".*\w\.[^\W\d_]{2,}\.?")
_SECRET_PARAMETER: Final = re.compile(r"(?:pass|pwd|token|secret|auth|key|user|usr|login)[^=/?#&;]*=", re.I)
_DEFAULT_PORTS: Final = {"rtsp": "554", "rtsps": "322", "http": "80", "https": "443"}
CAMERA_SCHEMES: Final = tuple(_DEFAULT_PORTS)
"""What the address of a camera may begin with."""


@dataclass(frozen=True)
class Address:
    """The parts of an address.

    Attributes:
        scheme: In small letters, such as "rtsp".
        userinfo: What stands before the host's @, as it was written; None without one.
        host: As it was written, an IPv6 address in its brackets; may be empty.
        port: Digits, or empty.
        tail: Path, query and fragment, from the first `/`, `?` or `#` on.
        guessed: Whether the rules alone would give another host.
        broken: Whether no other reading makes sense, so that nothing can be reached with it.
    """

    scheme: str
    userinfo: str | None
    host: str
    port: str
    tail: str
    guessed: bool = False
    broken: bool = False

    @property
    def own_port(self) -> str:
        """The port, unless it is the one that the scheme has anyway."""
        return "" if self.port == _DEFAULT_PORTS.get(self.scheme) else self.port


class _Looks(IntEnum):
    """How much a text looks like a host with or without a port."""

    WRONG = 0
    NAME = 1
    DOTTED_NAME = 2
    NUMBER = 3


def parse_address(text: str) -> Address | None:
    """Take an address apart; None if the text has no `scheme://`. Never raises.

    Where more than one @ could end the user and password, the last one counts that has something like a host
    behind it: to hide a host is a nuisance, to show half a password is a leak.
    """
    start = _SCHEME.match(text)
    if start is None:
        return None
    scheme, rest = start[1].lower(), text[start.end() :].rstrip()
    end = _end_of_host(rest)
    user, at, host = rest[:end].rpartition("@")
    looks = _looks(host)
    later = _later_host(rest, end, looks, has_user=bool(at))
    if later is not None:
        behind = rest[later + 1 :]
        end = _end_of_host(behind)
        name, port = _host_and_port(behind[:end])
        broken = bool(at) or looks is _Looks.WRONG
        return Address(scheme, rest[:later], name, port, behind[end:], guessed=True, broken=broken)
    if looks is _Looks.WRONG and not at and ":" in host:
        # "user:password" and never a host; what comes next may still be the password.
        return Address(scheme, rest, "", "", "", guessed=True, broken=True)
    name, port = _host_and_port(host)
    return Address(scheme, user if at else None, name, port, rest[end:])


def check_encoded(text: str, shown: str, *, of_server: bool = False) -> None:
    """Refuse an address that reaches nothing because its user or password is not encoded.

    Args:
        text: The address.
        shown: The same as it may be shown.
        of_server: It has no path with an @ in it, as a camera's might have, so that nothing is left to try.

    Raises:
        SightlineError: It says what to write instead.
    """
    address = parse_address(text)
    if address is not None and (address.broken or (of_server and address.guessed)):
        where = "before its host" if address.host else "where its host should be, or a port that is none"
        raise SightlineError(
            f"The address {shown} seems to have a user or a password {where}, with characters that are not "
            "encoded.",
            ENCODE,
        )


def _end_of_host(text: str) -> int:
    found = re.search(r"[/?#]", text)
    return found.start() if found else len(text)


def _host_and_port(text: str) -> tuple[str, str]:
    found = _HOST_AND_PORT.match(text)
    return (found[1], found[2] or "") if found else (text, "")


def _looks(text: str) -> _Looks:
    found = _HOST_AND_PORT.match(text)
    if found is None or int(found[2] or 0) > 65_535:
        return _Looks.WRONG
    if _NUMBER_OR_LOCAL.fullmatch(found[1]):
        return _Looks.NUMBER
    if _NAME.fullmatch(found[1]) is None:
        return _Looks.WRONG
    return _Looks.DOTTED_NAME if _DOTTED.fullmatch(found[1]) else _Looks.NAME


def _later_host(rest: str, end: int, looks: _Looks, *, has_user: bool) -> int | None:
    """Where the @ is that ends a user and password that reach over the first `/`, `?` or `#`."""
    if looks is _Looks.NUMBER:
        return None
    least = looks if has_user else _Looks.NAME
    fallback = None
    for at in (found.start() for found in reversed(list(re.finditer("@", rest))) if found.start() > end):
        if _SECRET_PARAMETER.search(rest, end, at) or (not has_user and ":" not in rest[:at]):
            continue  # it belongs to a parameter, or there is no password before it
        behind = rest[at + 1 :]
        found_looks = _looks(behind[: _end_of_host(behind)])
        if found_looks >= max(least, _Looks.NAME):
            return at
        fallback = fallback or at
    return fallback if looks is _Looks.WRONG else None

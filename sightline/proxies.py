"""Proxies of the environment: never for servers on this machine, and what `doctor` says of them. Pure."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "::1")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# Which one a library reads differs: gRPC has one of its own, and reads lower case only.
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")
_EXCEPTIONS: Final = ("no_proxy", "no_grpc_proxy")


def loopback_is_direct(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables to set so that no library asks a proxy for a server on this machine.

    What names a proxy stays, as servers elsewhere may be behind it, and so do the exceptions that are there.

    Args:
        environ: The environment, such as `os.environ`.
    """
    changes: dict[str, str] = {}
    for name in _EXCEPTIONS:
        spelt = environ.get(name) or environ.get(name.upper()) or ""
        # An empty `no_grpc_proxy` would hide `no_proxy` from gRPC.
        if spelt.strip() == "*" or (name != "no_proxy" and not spelt):
            continue
        there = [entry.strip() for entry in spelt.split(",") if entry.strip()]
        value = ",".join([*there, *(each for each in LOOPBACK_NAMES if each not in there)])
        changes |= {name: value, name.upper(): value}
    return changes


def proxies_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The proxies that the environment names, by variable: host and port, no user and no password."""
    spellings = [spelling for name in _PROXIES for spelling in (name, name.upper())]
    return {name: _host_and_port(environ[name]) for name in spellings if environ.get(name)}


def _host_and_port(address: str) -> str:
    scheme = match[1] if (match := _SCHEME.match(address)) else "http"
    # A password that nobody encoded may hold any of the letters that end a host.
    host = address[match.end() if match else 0 :].rpartition("@")[2]
    try:
        parts = urlsplit(f"//{host}")
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return "an address that cannot be read"
    name = parts.hostname or ""
    return f"{scheme}://{f'[{name}]' if ':' in name else name}{port}"

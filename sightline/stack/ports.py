"""Loopback ports for servers that we start."""

import random
import socket
from collections.abc import Iterable
from pathlib import Path

from sightline.errors import SightlineError

LOOPBACK = "127.0.0.1"
_LOWEST = 10_240
_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES = 200


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection in TIME_WAIT does not make a port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_ports(count: int, preferred: Iterable[int] = ()) -> tuple[int, ...]:
    """Return different free loopback ports.

    They lie below the range that the kernel takes the local ports of connections from. In that range a client
    that tries again and again to reach a dead server can connect to itself, and then the server never gets
    its port back. Somebody else can still take a port before the server listens: start again with others.

    Args:
        count: How many.
        preferred: Ports to keep if all of them are free, such as those of the last run.

    Raises:
        SightlineError: No free port was found.
    """
    kept = tuple(preferred)
    if len(kept) == count and all(is_free(port) for port in kept):
        return kept
    highest = _lowest_ephemeral() - 1
    found: list[int] = []
    chooser = random.SystemRandom()  # not the seeded generator: two processes must not choose alike
    for _ in range(_TRIES):
        if len(found) == count:
            return tuple(found)
        port = chooser.randint(_LOWEST, highest) if highest > _LOWEST else _any_port()
        if port not in found and is_free(port):
            found.append(port)
    raise SightlineError(
        f"Found no {count} free ports on {LOOPBACK}.", "End programs that listen there and try again."
    )


def _lowest_ephemeral() -> int:
    try:
        return int(_RANGE_FILE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768  # Linux's default; systems without the file start higher


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port

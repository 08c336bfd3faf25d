"""Free loopback ports."""

import socket

from sightline.stack.ports import LOOPBACK, free_ports, is_free


def test_ports_are_different_and_free() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert all(is_free(port) for port in ports)


def test_preferred_ports_are_kept_only_while_all_are_free() -> None:
    preferred = free_ports(2)
    assert free_ports(2, preferred) == preferred
    with socket.socket() as other:
        other.bind((LOOPBACK, preferred[0]))
        other.listen()
        assert not is_free(preferred[0])
        assert preferred[0] not in free_ports(2, preferred)


def test_they_are_not_among_the_ports_that_connections_get() -> None:
    with socket.socket() as some:
        some.bind((LOOPBACK, 0))
        ephemeral = some.getsockname()[1]
    assert max(free_ports(20)) < max(ephemeral, 32_768)

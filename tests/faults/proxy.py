"""A network in bad order: a TCP proxy in front of a broker, and a broker that sends its clients there."""

import contextlib
import queue
import socket
import threading
import time
from pathlib import Path
from typing import Any, Self

from sightline.stack.kafka import LocalKafka
from sightline.stack.ports import LOOPBACK, free_ports
from sightline.stack.processes import ProcessSpec

_CHUNK = 65_536


class Proxy:
    """Forwards connections to a port. Use it by `with`.

    Attributes:
        latency_s: How much later each piece arrives, in each direction.
        connections: How many were ever made.

    Args:
        target: The port to forward to.
    """

    def __init__(self, target: int) -> None:
        self.latency_s = 0.0
        self.connections = 0
        self._target = target
        self._whole = threading.Event()  # as long as the cable is not cut
        self._whole.set()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server((LOOPBACK, free_ports(1)[0]))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._whole.set()
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def cut(self) -> None:
        """From now on nothing arrives and nobody is told, as with a cable that was pulled."""
        self._whole.clear()

    def mend(self) -> None:
        """Everything arrives again, also what was sent meanwhile, as TCP sends it again."""
        self._whole.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._sockets.append(near)
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        self._whole.wait()
        try:
            far = socket.create_connection((LOOPBACK, self._target))
        except OSError:
            near.close()
            return
        self.connections += 1
        self._sockets.append(far)
        for each in (near, far):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, sink in ((near, far), (far, near)):
            pieces: queue.SimpleQueue[Any] = queue.SimpleQueue()
            threading.Thread(target=self._take, args=(source, pieces), daemon=True).start()
            threading.Thread(target=self._give, args=(sink, pieces), daemon=True).start()

    def _take(self, source: socket.socket, pieces: "queue.SimpleQueue[Any]") -> None:
        data = b"x"
        while data:
            try:
                data = source.recv(_CHUNK)
            except OSError:
                data = b""
            pieces.put((time.monotonic(), data))

    def _give(self, sink: socket.socket, pieces: "queue.SimpleQueue[Any]") -> None:
        with contextlib.suppress(OSError):
            while True:
                at_s, data = pieces.get()
                time.sleep(max(0.0, at_s + self.latency_s - time.monotonic()))
                self._whole.wait()
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)


class ProxiedKafka(LocalKafka):
    """A broker with one more listener, whose clients are told to come through a proxy.

    Args:
        folder: For data and log.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._folder_of_properties = folder.absolute()
        self._inner_port = free_ports(1)[0]
        self.proxy = Proxy(self._inner_port)

    @property
    def proxied(self) -> str:
        """The address behind the proxy."""
        return f"{LOOPBACK}:{self.proxy.port}"

    def _spec(self) -> ProcessSpec:
        spec = super()._spec()
        path = self._folder_of_properties / "server.properties"
        more = {
            "listeners=": f",PROXIED://{LOOPBACK}:{self._inner_port}",
            "advertised.listeners=": f",PROXIED://{self.proxied}",
            "listener.security.protocol.map=": ",PROXIED:PLAINTEXT",
        }
        lines = path.read_text().splitlines()
        path.write_text(
            "".join(
                line + next((add for k, add in more.items() if line.startswith(k)), "") + "\n"
                for line in lines
            )
        )
        return spec

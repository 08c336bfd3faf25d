"""The servers of a local pipeline: each is started here, or used where a setting names one."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from sightline.errors import SightlineError
from sightline.pipeline.plan import LOGS, Addresses
from sightline.settings import Settings
from sightline.stack.cache import Progress
from sightline.stack.kafka import KafkaOptions, LocalKafka
from sightline.stack.ports import free_ports, is_free
from sightline.stack.triton import LocalTriton, TritonOptions
from sightline.vision.repository import models_in


class Servers:
    """Kafka and Triton, as far as this run has its own.

    `prepare` installs what is missing, both at a time; `start` spawns; `wait_ready` waits.
    """

    def __init__(
        self, settings: Settings, data_dir: Path, repository: Path | None, progress: Progress
    ) -> None:
        """Choose which servers are ours.

        Args:
            settings: A broker or a Triton that they name is used as it is.
            data_dir: The data folder.
            repository: The model repository for a Triton of our own; None if no stream needs one.
            progress: Told about slow steps.
        """
        self._settings = settings
        self.kafka: LocalKafka | None = None
        self.triton: LocalTriton | None = None
        if settings.kafka.bootstrap is None:
            options = KafkaOptions(
                home=settings.kafka.home,
                java=settings.kafka.java,
                cache=settings.cache.dir,
                maven_url=settings.cache.maven_url,
                heap_mb=settings.kafka.heap_mb,
            )
            self.kafka = LocalKafka(data_dir / "kafka", options, progress)
        if settings.triton.url is None and repository is not None:
            self.triton = LocalTriton(
                repository,
                models_in(repository),
                data_dir / LOGS / "triton.log",
                TritonOptions(cache=settings.cache.dir, maven_url=settings.cache.maven_url),
                progress,
            )

    @property
    def own(self) -> list[LocalKafka | LocalTriton]:
        """The servers that this run starts and stops."""
        return [server for server in (self.kafka, self.triton) if server is not None]

    def prepare(self) -> None:
        """Install what is missing; Kafka's and Triton's downloads run side by side.

        Raises:
            SightlineError: Something cannot be installed or run here, or the port for SELECTs is taken.
        """
        port = self._settings.clickhouse.http_port
        if port and self._settings.clickhouse.dsn is None and not is_free(port):
            raise SightlineError(
                f"The port {port} of clickhouse.http_port is in use.",
                "Choose another one, or 0 for a free one.",
            )
        with ThreadPoolExecutor(max_workers=2) as pool, ExitStack() as waits:
            for server in self.own:
                future: Future[None] = pool.submit(server.prepare)
                waits.callback(future.result)

    def wait_ready(self) -> None:
        """Wait until all own servers answer clients."""
        for server in self.own:
            server.wait_ready()

    def addresses(self) -> Addresses:
        """Where the servers are; known once they are ready."""
        kafka = self.kafka.bootstrap if self.kafka else self._settings.kafka.bootstrap
        triton = self.triton.grpc_url if self.triton else self._settings.triton.url
        port = 0
        if self._settings.clickhouse.dsn is None:
            port = self._settings.clickhouse.http_port or free_ports(1)[0]
        assert kafka is not None  # either ours or the setting's
        return Addresses(kafka, triton, port)

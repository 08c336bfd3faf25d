"""A local Kafka: one KRaft node as a child process, with its data in a folder to start from again."""

import base64
import json
import os
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import SightlineError
from sightline.stack.cache import Progress, cache_folder, silent
from sightline.stack.files import write_atomically
from sightline.stack.java import find_java
from sightline.stack.kafka_config import jvm_flags, server_properties
from sightline.stack.kafka_jars import home_jars, install_jars, locked_text
from sightline.stack.kafka_probe import KafkaProbe
from sightline.stack.logs import telling_lines
from sightline.stack.plain_paths import HERE, in_utf8, linked
from sightline.stack.ports import LOOPBACK, free_ports
from sightline.stack.processes import ProcessSpec
from sightline.stack.server import PORT_TAKEN, Server

_TELLING = (
    r"No space left on device",
    PORT_TAKEN,
    r"[Hh]eap size|Too small .*heap|Could not reserve enough space",
    r"OutOfMemoryError|UnsupportedClassVersionError|Could not find or load",
    r"InconsistentClusterIdException|already formatted|lock on .*failed|Failed to acquire lock",
    r"FATAL|Exception|ERROR|Error",
)
_FORMAT_TIMEOUT_S = 60
_PROPERTIES = "server.properties"
_LOG_DIR = "log"


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """How the local Kafka is found and run.

    Attributes:
        home: An unpacked Kafka distribution; None installs the locked jars into the cache.
        java: The `java` program or a Java home; None looks for one.
        cache: The cache folder; None is the default one of this user.
        maven_url: A Maven repository in the place of Maven Central.
        heap_mb: Java's heap in megabytes, held from the start.
    """

    home: Path | None = None
    java: Path | None = None
    cache: Path | None = None
    maven_url: str | None = None
    heap_mb: int = 384


class LocalKafka(Server):
    """A Kafka broker of our own; see `Server` for how to run it."""

    def __init__(
        self, data_dir: Path, options: KafkaOptions | None = None, progress: Progress = silent
    ) -> None:
        """Name the folder for data and log; nothing happens yet."""
        self._folder = data_dir.absolute()
        super().__init__("kafka", self._folder / "kafka.log", _TELLING, progress)
        self._options = options or KafkaOptions()
        self._command: tuple[str, ...] = ()
        self._ports: tuple[int, ...] = ()

    @property
    def bootstrap(self) -> str:
        """The address for clients, `127.0.0.1:PORT`; known from `start` on, settled by `wait_ready`."""
        if not self._ports:
            raise RuntimeError("kafka was not started")
        return f"{LOOPBACK}:{self._ports[0]}"

    def prepare(self) -> None:
        """Install Kafka if needed and format the folder if it is new.

        Raises:
            SightlineError: There is no Java, a jar cannot be had, or the folder cannot be formatted.
        """
        if self._command:
            return
        options = self._options
        java = find_java(options.java, os.environ)
        if options.home is not None:
            jars = home_jars(options.home)
        else:
            cache = options.cache or cache_folder(os.environ, Path.home())
            jars = install_jars(cache, locked_text(), options.maven_url, self._progress)
        command = (str(java.program), *jvm_flags(options.heap_mb), "-cp", self._class_path(jars))
        if not (self._log_dir / "meta.properties").exists():
            self._choose_ports()
            self._format(command)
        self._command = command

    def _spec(self) -> ProcessSpec:
        self._choose_ports()
        argv = (*self._command, "kafka.Kafka", f"{HERE}/{_PROPERTIES}")
        return ProcessSpec(
            self.name,
            argv,
            in_utf8(os.environ),
            self.log_path,
            cwd=self._folder,
            stop_timeout_s=self.stop_timeout_s,
        )

    def _probe(self) -> KafkaProbe:
        return KafkaProbe(self.bootstrap)

    @property
    def _log_dir(self) -> Path:
        return self._folder / _LOG_DIR

    def _class_path(self, jars: Sequence[Path]) -> str:
        """The jars, through a link in the folder, as a colon in a path would end it in a class path."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            folder = linked(self._folder, "jars", jars[0].parent)
        except OSError as error:
            raise self._unwritable(error) from error
        return os.pathsep.join(f"{folder}/{jar.name}" for jar in jars)

    def _unwritable(self, error: OSError) -> SightlineError:
        return SightlineError(
            f"Cannot write Kafka's files to {self._folder}: {error.strerror or error}.",
            "Make room or make the folder writable.",
        )

    def _choose_ports(self) -> None:
        remembered = self._folder / "ports.json"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._ports = free_ports(2, self._ports or _read_ports(remembered))
            write_atomically(remembered, json.dumps(self._ports))
            write_atomically(
                self._folder / _PROPERTIES, server_properties(f"{HERE}/{_LOG_DIR}", *self._ports)
            )
        except OSError as error:
            raise self._unwritable(error) from error

    def _format(self, command: tuple[str, ...]) -> None:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        # A name that begins with a dash is taken for an option.
        argv = [*command, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}"]
        try:
            answer = subprocess.run(
                [*argv, "-c", f"{HERE}/{_PROPERTIES}"],
                cwd=self._folder,
                env=in_utf8(os.environ),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_FORMAT_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SightlineError(f"Cannot format {self._folder} for Kafka: {error}.") from error
        if answer.returncode != 0:
            said = telling_lines((answer.stderr + answer.stdout).splitlines(), _TELLING)
            raise SightlineError(
                f"Cannot format {self._folder} for Kafka: {' | '.join(said) or 'it gave no reason'}.",
                "Make room, or use an empty folder.",
            )


def _read_ports(path: Path) -> tuple[int, ...]:
    """The ports of the last run; none if the file is missing or damaged, which only costs the same ports."""
    try:
        ports = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    if isinstance(ports, list) and all(isinstance(port, int) and 0 < port < 65_536 for port in ports):
        return tuple(ports)
    return ()

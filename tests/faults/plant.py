"""The real pipeline as processes that can be killed, paused, added and taken away; and watched meanwhile."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from sightline.errors import SightlineError
from sightline.pipeline.plan import stage_environment
from sightline.settings import Settings
from sightline.stack.kafka import LocalKafka
from sightline.stack.ports import free_ports
from sightline.stack.processes import ProcessSpec
from sightline.stack.supervisor import ChildService, Service
from sightline.stack.triton import LocalTriton
from sightline.topic_admin import apply_topics
from tests.faults.sender import Sender
from tests.faults.verifier import Verifier

PARTITIONS = 4
POLL_S = 0.1
RESTART_S = 0.5
STOP_PATIENCE_S = 60.0
# Wide, because the machine may be busy; a test that passes never waits for it.
PATIENCE_S = 240.0
ROOT = Path(__file__).resolve().parents[2]


class Plant:
    """Kafka, perhaps Triton, and stages, each started again when it ends, as by the local stack.

    Use it by `with`, from the main thread.

    Args:
        folder: For everything.
        kafka: The broker; started here.
        triton: Triton, for plants with video.
        settings: More settings for the stages, by `section.key`.
        broker: What the stages are told; by default the broker itself.
    """

    def __init__(
        self,
        folder: Path,
        *,
        kafka: LocalKafka | None = None,
        triton: LocalTriton | None = None,
        settings: Mapping[str, Any] | None = None,
        broker: Callable[[LocalKafka], str] | None = None,
    ) -> None:
        self.folder = folder
        self.kafka = kafka or LocalKafka(folder / "kafka")
        self.triton = triton
        self.http_port = free_ports(1)[0]
        self.env: dict[str, str] = {}
        self.stages: list[str] = []
        self._broker = broker or (lambda kafka: kafka.bootstrap)
        self._given = dict(settings or {})
        self._services: dict[str, Service] = {}
        self._down: set[str] = set()  # what is to stay down
        self._due_s: dict[str, float] = {}  # what has ended, and when to start it again
        self._restarts: Counter[str] = Counter()
        self._number = 0

    def __enter__(self) -> Self:
        try:
            for server in (self.kafka, self.triton):
                if server is not None:
                    self._add(server)
            for server in (self.kafka, self.triton):
                if server is not None:
                    server.wait_ready()
            self._configure()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything at once."""
        for service in self._services.values():
            service.kill()

    @property
    def verifier(self) -> Verifier:
        """Reads the broker and the tables."""
        return Verifier(self.kafka.bootstrap, self.http_port)

    def start(self, command: str, *, script: Path | None = None, **settings: object) -> str:
        """Start one more member of a stage; returns its name.

        Args:
            command: `write`, `track` or `infer`; or the source of a gateway after `produce `.
            script: Run this in its place.
            settings: More settings, by `section__key`.
        """
        self._number += 1
        name = f"{command.split()[0]}-{self._number}"
        env = self.env | {
            f"SIGHTLINE_{key.replace('__', '_').upper()}": str(v) for key, v in settings.items()
        }
        run = [str(script)] if script else ["-m", "sightline"]
        spec = ProcessSpec(
            name=name,
            argv=(sys.executable, *run, *command.split()),
            env=env | {"PYTHONPATH": str(ROOT)},
            log_path=self.folder / "logs" / f"{name}.log",
            stop_timeout_s=30.0,
        )
        self._add(ChildService(spec))
        self.stages.append(name)
        return name

    def stop(self, name: str) -> None:
        """Stop a stage or a server in good order; it stays down."""
        self._down.add(name)
        if name in self.stages:
            self.stages.remove(name)
        service = self._services[name]
        service.terminate()
        self.until(lambda: service.exit_code() is not None, f"{name} to end", STOP_PATIENCE_S)

    def restart(self, name: str) -> None:
        """Start again what was stopped."""
        self._down.discard(name)
        self._services[name].start()

    def kill(self, name: str) -> None:
        """kill -9, of what runs; the supervisor starts it again."""
        self.until(lambda: self._services[name].exit_code() is None, f"{name} to run")
        self._services[name].kill()

    def pause(self, name: str) -> None:
        """SIGSTOP."""
        os.kill(self._services[name].pid, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """SIGCONT."""
        os.kill(self._services[name].pid, signal.SIGCONT)

    def pid(self, name: str) -> int:
        """The process id of a stage or server."""
        return self._services[name].pid

    def exit_code(self, name: str) -> int | None:
        """How it ended, None while it runs."""
        return self._services[name].exit_code()

    def restarts(self, name: str) -> int:
        """How often it was started again."""
        return self._restarts[name]

    def poll(self) -> None:
        """Start again what ended, half a second later; without a pause that grows, as tests kill often."""
        now_s = time.monotonic()
        for name, service in self._services.items():
            if name in self._down or service.exit_code() is None:
                self._due_s.pop(name, None)
            elif now_s >= self._due_s.setdefault(name, now_s + RESTART_S):
                self._restarts[name] += 1
                del self._due_s[name]
                with suppress(SightlineError):  # it cannot be started now, as on a full disk
                    service.start()

    def run_for(self, seconds: float) -> None:
        """Let it run for a while."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self.poll()
            time.sleep(min(POLL_S, max(0.0, until_s - time.monotonic())))

    def until(
        self, holds: Callable[[], object], what: str | Callable[[], str], patience_s: float = PATIENCE_S
    ) -> float:
        """Run until something holds; returns the seconds that it took."""
        begun_s = time.monotonic()
        while not holds():
            self.poll()
            if time.monotonic() - begun_s > patience_s:
                said = what if isinstance(what, str) else what()
                pytest.fail(f"waited {patience_s:.0f} s for {said}\n{self.last_words()}")
            time.sleep(POLL_S)
        return time.monotonic() - begun_s

    def send(self, prefix: str, streams: Sequence[str], last: int, **options: Any) -> Sender:
        """Send the recorded load."""
        return Sender(self.kafka.bootstrap, prefix, streams, last, **options)

    def until_begun(self, sender: Sender) -> None:
        """Run until every stream of a load has a row in `frames`."""
        self.until(lambda: len(self.verifier.written(sender.prefix)) == len(sender.streams), "all streams")

    def until_written(self, prefix: str, frames: Mapping[str, int], patience_s: float = PATIENCE_S) -> float:
        """Run until the streams `PREFIX-STREAM` have so many rows in `frames`, and all is settled."""
        verifier = self.verifier

        def written() -> bool:
            return all(verifier.written(prefix).get(s, 0) >= count for s, count in frames.items())

        took_s = self.until(written, f"the frames of {prefix}", patience_s)
        self.until(lambda: verifier.is_settled(prefix), f"the other tables of {prefix}", patience_s)
        return took_s

    def until_flowing(self, sender: Sender, patience_s: float = PATIENCE_S) -> float:
        """Seconds until frames that are sent from now on are in the tables, of every stream."""
        position = sender.position

        def flows() -> bool:
            newest = self.verifier.newest(sender.prefix)
            return all(newest.get(stream, -1) >= position for stream in sender.streams)

        return self.until(
            flows,
            lambda: f"frames from {position} on of every stream: {self.verifier.newest(sender.prefix)}",
            patience_s,
        )

    def until_quiet(self, prefix: str, quiet_s: float = 8.0) -> None:
        """Run until all has been read, and nothing has been written for a while."""
        seen: object = None
        quiet_since_s = time.monotonic()

        def quiet() -> bool:
            nonlocal seen, quiet_since_s
            now = self.verifier.totals(prefix)
            if now != seen or not now:
                seen, quiet_since_s = now, time.monotonic()
            return time.monotonic() - quiet_since_s > quiet_s

        self.until(quiet, f"{prefix} to be quiet")

    def last_words(self, lines: int = 15) -> str:
        """The end of each stage's log."""
        return "\n".join(
            f"--- {name} ({'ended' if service.exit_code() is not None else 'runs'})\n"
            + "\n".join(service.last_lines(lines))
            for name, service in self._services.items()
        )

    def _add(self, service: Service) -> None:
        service.start()
        self._services[service.name] = service

    def _configure(self) -> None:
        given = {
            "kafka.bootstrap": self._broker(self.kafka),
            "kafka.partitions": PARTITIONS,
            "kafka.session_timeout_s": 6,
            "write.max_batch_delay_s": 0.2,
            "clickhouse.http_port": self.http_port,
            "data.dir": self.folder / "data",
        } | self._given
        if self.triton is not None:
            given["triton.url"] = self.triton.grpc_url
        tree: dict[str, dict[str, Any]] = {}
        for key, value in given.items():
            section, _, name = key.partition(".")
            tree.setdefault(section, {})[name] = value
        settings = Settings.model_validate(tree)
        self.env = stage_environment(settings, os.environ)
        direct = settings.kafka.model_copy(update={"bootstrap": self.kafka.bootstrap})
        apply_topics(direct)

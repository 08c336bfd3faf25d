"""Runs the whole data flow on one machine and keeps an eye on it."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sightline.errors import SightlineError
from sightline.kafka_clients import INFER_GROUP, TRACK_GROUP, WRITE_GROUP
from sightline.pipeline.accounts import Query, StreamAccount, read_accounts
from sightline.pipeline.cameras import Camera
from sightline.pipeline.groups import members_of, wait_for_members
from sightline.pipeline.plan import (
    Addresses,
    camera_spec,
    server_side_specs,
    stage_environment,
    with_addresses,
)
from sightline.pipeline.servers import Servers
from sightline.pipeline.tables import connect_tables, query_of
from sightline.settings import Settings
from sightline.stack.cache import Progress
from sightline.stack.datadir import DataDir, StackState, running_stage
from sightline.stack.supervisor import ChildService, Event, State, Supervisor
from sightline.topic_admin import apply_topics

POLL_S = 0.2
TABLES_TIMEOUT_S = 60.0
DRAIN_STALL_S = 60.0
"""A drain in which nothing moves for this long has failed."""


class Pipeline:
    """Servers, stages and cameras of one data folder; for the main thread, inside `with DataDir(…)`."""

    def __init__(
        self,
        settings: Settings,
        data: DataDir,
        repository: Path | None,
        progress: Progress,
    ) -> None:
        """Name the parts; nothing is started.

        Args:
            settings: Of the whole system.
            data: The data folder, which this process owns.
            repository: The model repository; None if no stream sends frames.
            progress: Told about slow steps.
        """
        self._settings = settings
        self._data = data
        self._progress = progress
        self._infers = repository is not None or settings.triton.url is not None
        self._servers = Servers(settings, data.path, repository, progress)
        self._supervisor = Supervisor()
        self._addresses: Addresses | None = None
        self._client: Client | None = None
        self._ready = False
        self._cameras: list[str] = []
        self._env: dict[str, str] = {}
        self.peak_rss_mib: dict[str, float] = {}

    @property
    def settings(self) -> Settings:
        """The settings that the stages got; whole once `start` has returned."""
        return self._settings

    @property
    def stage_env(self) -> dict[str, str]:
        """The environment that the stages got; only after `start`."""
        return self._env

    @property
    def query(self) -> Query:
        """Runs SELECTs on the tables; only after `start`."""
        assert self._client is not None
        return query_of(self._client)

    def start(self) -> None:
        """Start servers and stages, and wait until they work.

        Raises:
            SightlineError: Something cannot be installed or started; it says what and why.
        """
        self._servers.prepare()
        for server in self._servers.own:
            self._supervisor.add(server)
        self._servers.wait_ready()
        self._addresses = self._servers.addresses()
        self._settings = with_addresses(self._settings, self._addresses, self._data.path)
        self._env = stage_environment(self._settings, os.environ)
        apply_topics(self._settings.kafka)
        self._progress("Starting the stages")
        groups = [WRITE_GROUP, TRACK_GROUP, *([INFER_GROUP] if self._infers else [])]
        before = members_of(self._settings.kafka, groups)
        for spec in server_side_specs(
            self._settings,
            self._env,
            self._data.path,
            infers=self._infers,
            own_broker=self._servers.kafka is not None,
        ):
            self._supervisor.add(ChildService(spec))
        self._publish_state()
        self._client = self._wait_for_tables()
        wait_for_members(self._settings.kafka, groups, self.poll, before)
        self._ready = True
        self._publish_state()

    def start_cameras(self, cameras: Sequence[Camera]) -> None:
        """Start a gateway process for each camera."""
        for camera in cameras:
            service = ChildService(camera_spec(camera, self._env, self._data.path))
            self._supervisor.add(service)
            self._cameras.append(service.name)
        self._publish_state()

    def poll(self) -> list[Event]:
        """See what ended and start again what crashed; a few times a second.

        Raises:
            SightlineError: A stage keeps crashing.
        """
        events = self._supervisor.poll()
        for event in events:
            if event.state is not State.FINISHED:
                self._progress(event.sentence)
        if events:
            self._publish_state()
        failure = self._stage_failure()
        if failure is not None:
            raise failure
        return events

    def cameras_running(self) -> bool:
        """Whether a gateway still runs, or will be started again."""
        return any(self._supervisor.state(name) in (State.RUNNING, State.WAITING) for name in self._cameras)

    def stop_cameras(self) -> None:
        """Ask the gateways to stop; they report their last counters first."""
        self._supervisor.stop(self._cameras)

    def sample_memory(self) -> None:
        """Note the resident memory of each process, in MiB; the peaks are in `peak_rss_mib`."""
        for status in self._supervisor.snapshot():
            try:
                mib = psutil.Process(status.pid).memory_info().rss / 2**20
            except psutil.Error:
                continue
            self.peak_rss_mib[status.name] = max(self.peak_rss_mib.get(status.name, 0.0), round(mib, 1))

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each process so far, in seconds."""
        spent = {}
        for status in self._supervisor.snapshot():
            try:
                times = psutil.Process(status.pid).cpu_times()
            except psutil.Error:
                continue
            spent[status.name] = times.user + times.system
        return spent

    def accounts(self, since_ns: int) -> list[StreamAccount]:
        """Where the frames are of the streams that were captured since a time."""
        return read_accounts(self.query, since_ns)

    def drain(
        self, since_ns: int, idle: Callable[[], None], clock_s: Callable[[], float] = time.monotonic
    ) -> bool:
        """Wait until every captured frame is accounted for and every detection and truth has its row.

        Args:
            since_ns: Start of the run.
            idle: Called between two looks, such as to show progress.
            clock_s: Monotonic seconds.

        Returns:
            False if nothing moved for DRAIN_STALL_S although frames are on their way.
        """
        seen: object = None
        moved_at_s = clock_s()
        while True:
            self.poll()
            accounts = self.accounts(since_ns)
            if accounts and all(self._settled(account) for account in accounts):
                return True
            now = [(a.captured, a.written, a.detection_rows, a.truth_rows) for a in accounts]
            if now != seen:
                seen, moved_at_s = now, clock_s()
            if clock_s() - moved_at_s > DRAIN_STALL_S:
                return False
            idle()
            time.sleep(POLL_S)

    def stop(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """Stop everything, the sources first and the servers last."""
        if self._client is not None:
            self._client.close()
        self._supervisor.stop(hurry=hurry)
        self._data.clear()

    def _settled(self, account: StreamAccount) -> bool:
        rows_there = not self._settings.write.detections or account.detections <= account.detection_rows
        rows_there = rows_there and account.truth <= account.truth_rows
        return account.ended and account.balanced and rows_there

    def _stage_failure(self) -> SightlineError | None:
        """A failed camera is reported with its stream; anything else that is given up ends the run."""
        failed = [s.name for s in self._supervisor.snapshot() if s.state is State.FAILED]
        if any(name not in self._cameras for name in failed):
            return self._supervisor.failure()
        return None

    def _wait_for_tables(self) -> Client:
        assert self._addresses is not None
        deadline_s = time.monotonic() + TABLES_TIMEOUT_S
        while True:
            self.poll()
            try:
                return connect_tables(self._settings.clickhouse, self._addresses.http_port)
            except (ClickHouseError, OSError) as error:
                if time.monotonic() > deadline_s:
                    raise SightlineError(
                        f"The tables cannot be read after {TABLES_TIMEOUT_S:.0f} s: {error}.",
                        f"Look into {self._data.path / 'logs' / 'write.log'}.",
                    ) from error
            time.sleep(POLL_S)

    def _publish_state(self) -> None:
        addresses = self._addresses
        if addresses is None:
            return
        stages = [running_stage(s.name, s.pid, s.state, s.restarts) for s in self._supervisor.snapshot()]
        self._data.write(
            StackState(
                pid=os.getpid(),
                stages=tuple(stages),
                kafka={"bootstrap": addresses.kafka},
                triton={"url": addresses.triton} if addresses.triton else {},
                clickhouse={"http_port": addresses.http_port} if addresses.http_port else {},
                ready=self._ready,
            )
        )

"""Which processes a pipeline runs, with which arguments and settings. Nothing is started here."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from sightline.pipeline.cameras import Camera
from sightline.settings import Settings
from sightline.settings_sources import PREFIX, STREAMS_VARIABLE, environment_of, variable
from sightline.stack.processes import ProcessSpec

LOGS: Final = "logs"
GATEWAY_STATE: Final = "gateway"
STACK_INSTANCE: Final = "stack"
"""The name of the stack's own infer and track workers in their groups: a broker of its own has one stack."""


class StopOrder(IntEnum):
    """What stops first: the sources, then each stage behind them, then the servers."""

    CAMERAS = 0
    INFER = 1
    TRACK = 2
    WRITE = 3
    SERVERS = 9


@dataclass(frozen=True)
class Addresses:
    """Where the servers of this run are.

    Attributes:
        kafka: host:port of the broker.
        triton: host:port of Triton's gRPC; None if no stream needs it.
        http_port: The writer's HTTP port; 0 where a ClickHouse server holds the tables.
    """

    kafka: str
    triton: str | None
    http_port: int


def with_addresses(settings: Settings, addresses: Addresses, data_dir: Path) -> Settings:
    """The settings that the stages of this run get."""
    return settings.model_copy(
        update={
            "kafka": settings.kafka.model_copy(update={"bootstrap": addresses.kafka}),
            "triton": settings.triton.model_copy(update={"url": addresses.triton}),
            "clickhouse": settings.clickhouse.model_copy(update={"http_port": addresses.http_port}),
            "data": settings.data.model_copy(update={"dir": data_dir}),
        }
    )


def stage_environment(settings: Settings, base: Mapping[str, str]) -> dict[str, str]:
    """The environment of a stage: ours, with exactly these settings."""
    kept = {name: value for name, value in base.items() if not name.startswith(PREFIX)}
    # A stage's log goes to a file or a pipe, where Python would hold lines back.
    return kept | environment_of(settings) | {"PYTHONUNBUFFERED": "1"}


def server_side_specs(
    settings: Settings, env: dict[str, str], data_dir: Path, *, infers: bool, own_broker: bool
) -> list[ProcessSpec]:
    """The writer, a track worker and, if frames are to be analysed, an infer worker; in starting order.

    Args:
        settings: Of this run.
        env: What all stages get.
        data_dir: The data folder.
        infers: Whether frames are to be analysed.
        own_broker: Whether the broker is this stack's alone, so that names in it cannot be another's.
    """
    stages = [("write", StopOrder.WRITE), ("track", StopOrder.TRACK)]
    stages += [("infer", StopOrder.INFER)] if infers else []
    names = _own_names(settings) if own_broker else {}
    return [_spec(name, [name], env | names.get(name, {}), data_dir, group=order) for name, order in stages]


def _own_names(settings: Settings) -> dict[str, dict[str, str]]:
    """By stage, a name by which its group knows a restarted worker before it has missed the dead one.

    On a broker that others use too, two stacks of one name would throw each other out, so there the user
    gives names. A worker that is started by hand has none and joins beside it.
    """
    given = {"track": settings.track.instance_id, "infer": settings.infer.instance_id}
    return {
        stage: {variable(f"{stage}.instance_id"): STACK_INSTANCE}
        for stage, name in given.items()
        if name is None
    }


def camera_spec(camera: Camera, env: Mapping[str, str], data_dir: Path) -> ProcessSpec:
    """A gateway process for one camera. A file that failed half-way is not read twice.

    The camera goes into the environment, which only its owner can read: arguments are for all to see, and an
    address may hold a password.
    """
    stream = {"source": camera.source, "mode": camera.mode, "realtime": camera.realtime}
    env = {**env, STREAMS_VARIABLE: json.dumps({camera.stream_id: stream})}
    arguments = ["produce", f"--stream={camera.stream_id}", "--state", str(data_dir / GATEWAY_STATE)]
    name = f"camera-{camera.stream_id}"
    return _spec(name, arguments, env, data_dir, group=StopOrder.CAMERAS, restart=camera.is_live)


def _spec(
    name: str, arguments: Sequence[str], env: Mapping[str, str], data_dir: Path, **options: Any
) -> ProcessSpec:
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-m", "sightline", *arguments),
        env=env,
        log_path=data_dir / LOGS / f"{name}.log",
        **options,
    )

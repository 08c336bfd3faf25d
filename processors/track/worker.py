"""Runs a track worker from settings."""

import socket
import time
from os import getpid

from processors.track.stage import TrackStage, statuses
from sightline.errors import SightlineError
from sightline.garbage import collect_seldom
from sightline.kafka_clients import TRACK_GROUP
from sightline.settings import Settings
from sightline.stateful import DriverConfig, run_stage


def run_track(settings: Settings, stage: TrackStage | None = None) -> None:
    """Run one track worker in this process until SIGTERM or SIGINT.

    Args:
        settings: All of them.
        stage: Another stage than the usual one, to measure it.

    Raises:
        SightlineError: No broker is named, or the topics are not there.
    """
    if not settings.kafka.bootstrap:
        raise SightlineError(
            "No Kafka broker is named.", "Set kafka.bootstrap (SIGHTLINE_KAFKA_BOOTSTRAP) to its host:port."
        )
    instance = f"{socket.gethostname()}-{getpid()}"
    config = DriverConfig(
        bootstrap=settings.kafka.bootstrap,
        group=TRACK_GROUP,
        snapshot_interval_s=settings.track.snapshot_interval_s,
        status_interval_s=settings.status.interval_s,
        session_timeout_s=settings.kafka.session_timeout_s,
        instance_id=settings.track.instance_id,
        standby_replicas=settings.track.standby_replicas,
    )
    collect_seldom()
    run_stage(
        stage or TrackStage(time.time_ns),
        config,
        on_interval=lambda counters: statuses(counters, instance, time.time_ns()),
    )

"""A stage that is told to stop ends, also when the broker is gone for good."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sightline.kafka_clients import TRACK_GROUP, WRITE_GROUP
from sightline.pipeline.groups import wait_for_members
from sightline.settings import KafkaSettings
from sightline.stack.kafka import LocalKafka
from sightline.topic_admin import apply_topics

LIMIT_S = 40
STAGES = {
    "write": (["write"], WRITE_GROUP),
    "track": (["track"], TRACK_GROUP),
    "produce": (["produce", "synthetic:1?fps=20", "--stream", "gate", "--state", "state"], None),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_ends_when_told_to_although_the_broker_is_gone(stage: str, tmp_path: Path) -> None:
    arguments, group = STAGES[stage]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGHTLINE_")}
    with LocalKafka(tmp_path / "kafka") as kafka:
        settings = KafkaSettings(bootstrap=kafka.bootstrap)
        apply_topics(settings)
        env = clean | {
            "SIGHTLINE_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "SIGHTLINE_DATA_DIR": str(tmp_path / "data"),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "sightline", *arguments],
            env=env,
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        if group is not None:
            wait_for_members(settings, [group], process.poll)
        # Long enough that something is under way.
        time.sleep(4)
        assert process.poll() is None
        kafka.kill()
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
    assert process.returncode in (0, 1)

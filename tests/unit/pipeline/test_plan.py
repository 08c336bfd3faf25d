"""Stages get exactly the settings of their run."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from sightline.pipeline.cameras import Camera
from sightline.pipeline.plan import (
    STACK_INSTANCE,
    Addresses,
    camera_spec,
    server_side_specs,
    stage_environment,
    with_addresses,
)
from sightline.settings import InferSettings, Settings, TrackSettings
from sightline.settings_sources import load

ADDRESSES = Addresses("127.0.0.1:1234", "127.0.0.1:2345", 3456)


def test_a_stage_reads_back_the_settings_that_it_was_given(tmp_path):
    settings = with_addresses(Settings(), ADDRESSES, tmp_path)
    env = stage_environment(settings, {"PATH": "/bin", "SIGHTLINE_KAFKA_BOOTSTRAP": "elsewhere:1"})
    assert load(env).settings == settings
    assert env["PATH"] == "/bin"


def test_without_frames_to_analyse_there_is_no_infer_worker(tmp_path):
    names = [spec.name for spec in server_side_specs(Settings(), {}, tmp_path, infers=False, own_broker=True)]
    assert names == ["write", "track"]


def test_stages_stop_in_the_direction_of_the_flow(tmp_path):
    camera = camera_spec(Camera("gate", "gate.mp4", "frames"), {}, tmp_path)
    specs = [camera, *server_side_specs(Settings(), {}, tmp_path, infers=True, own_broker=True)]
    order = [spec.name for spec in sorted(specs, key=lambda spec: spec.group)]
    assert order == ["camera-gate", "infer", "track", "write"]


def test_a_file_that_failed_is_not_read_again_but_a_camera_is():
    folder = Path("data")
    assert not camera_spec(Camera("gate", "gate.mp4", "frames"), {}, folder).restart
    assert camera_spec(Camera("gate", "rtsp://host/1", "frames"), {}, folder).restart
    assert camera_spec(Camera("gate", "gate.mp4", "frames", realtime=True), {}, folder).restart


def test_a_cameras_address_is_in_no_argument_and_the_gateway_has_it_whole(tmp_path: Path) -> None:
    camera = Camera("a.gate", "rtsp://admin:S3cr3T@cam/1", "detections", realtime=True)
    spec = camera_spec(camera, stage_environment(Settings(), {}), tmp_path)
    assert not any("S3cr3T" in word or "rtsp" in word for word in spec.argv)
    stream = load(spec.env).settings.streams["a.gate"]
    assert (stream.source, stream.mode, stream.realtime) == (camera.source, "detections", True)
    assert "--stream=a.gate" in spec.argv


@pytest.mark.parametrize(
    ("given", "own_broker", "expected"),
    [(None, True, STACK_INSTANCE), (None, False, None), ("mine", True, "mine"), ("mine", False, "mine")],
)
@pytest.mark.parametrize("stage", ["infer", "track"])
def test_a_worker_has_a_name_of_its_own_where_nobody_else_can_have_it(
    tmp_path: Path, stage: str, given: str | None, own_broker: bool, expected: str | None
) -> None:
    settings = Settings(infer=InferSettings(instance_id=given), track=TrackSettings(instance_id=given))
    env = stage_environment(settings, {})
    specs = server_side_specs(settings, env, tmp_path, infers=True, own_broker=own_broker)
    names = {spec.name: name_of(stage, spec.env) for spec in specs}
    assert names.pop(stage) == expected
    # Nobody else gets it, so a worker that is started by hand with the stack's environment does not either.
    assert {*names.values(), name_of(stage, env)} == {given}


def name_of(stage: str, env: Mapping[str, str]) -> str | None:
    return getattr(load(env).settings, stage).instance_id

"""A whole system that stays up: what it says of itself, and what it does with bad input."""

import csv
import io
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path

import clickhouse_connect
import numpy as np
import pytest
from confluent_kafka import ConsumerGroupState, Producer

from schemas import topics
from schemas.detections import Detections
from schemas.frames import Frame
from schemas.streams import StreamStatus
from sightline.ending import SUPERSEDED_EXIT
from sightline.kafka_clients import TRACK_GROUP, admin
from sightline.pipeline.plan import STACK_INSTANCE
from sightline.settings import KafkaSettings
from tests.e2e.system import command, environment, make_video, rows, run_sightline, run_well

WAIT_S = 60


def publish(bootstrap: str, records: list[tuple[str, bytes, bytes]]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    for topic, key, value in records:
        producer.produce(topic, value, key)
    assert producer.flush(30) == 0


def wait_for_rows(data: Path, sql: str, count: int) -> list[dict]:
    deadline = time.monotonic() + WAIT_S
    while len(found := rows(data, sql)) < count and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def test_status_names_every_process_and_it_runs(state):
    names = {stage["name"] for stage in state["stages"]}
    assert names == {"kafka", "triton", "write", "track", "infer"}
    for stage in state["stages"]:
        os.kill(stage["pid"], 0)


def test_status_for_people_shows_the_processes(standing):
    assert "kafka" in run_well("status", "--data", standing)


def test_a_second_up_on_the_same_folder_is_refused_with_the_owner_named(standing, state):
    done = run_sightline("up", "--data", standing)
    assert done.returncode == 1
    assert f"in use by the process {state['pid']}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("sql", ["SELECT 1 AS one, 'a,b' AS text"])
def test_a_query_is_answered_in_each_format(standing, sql):
    assert json.loads(run_well("query", sql, "--data", standing, "--format", "json")) == [
        {"one": 1, "text": "a,b"}
    ]
    text = run_well("query", sql, "--data", standing, "--format", "csv")
    assert list(csv.reader(io.StringIO(text))) == [["one", "text"], ["1", "a,b"]]
    assert "one" in run_well("query", sql, "--data", standing)


def track_members(settings: KafkaSettings) -> list[str | None]:
    """The names of the track group's members while it is stable, None for one without; else nothing."""
    client = admin(settings)  # the answer comes only while it lives
    group = client.describe_consumer_groups([TRACK_GROUP])[TRACK_GROUP].result(WAIT_S)
    stable = group.state == ConsumerGroupState.STABLE
    return sorted((m.group_instance_id for m in group.members), key=str) if stable else []


def wait_for_track_members(settings: KafkaSettings, names: list[str | None]) -> None:
    deadline = time.monotonic() + WAIT_S
    while (found := track_members(settings)) != names:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def test_a_track_worker_that_is_started_by_hand_works_beside_the_stacks_own(standing, state, tmp_path):
    settings = KafkaSettings(bootstrap=state["kafka"]["bootstrap"])
    wait_for_track_members(settings, [STACK_INSTANCE])
    with (tmp_path / "track.log").open("wb") as log:
        words = command("--set", f"kafka.bootstrap={settings.bootstrap}", "track")
        beside = subprocess.Popen(words, env=environment(), cwd=tmp_path, stdout=log, stderr=log)
    try:
        wait_for_track_members(settings, [None, STACK_INSTANCE])
        beside.terminate()
        assert beside.wait(WAIT_S) == 0, (tmp_path / "track.log").read_text()
    finally:
        beside.kill()
    wait_for_track_members(settings, [STACK_INSTANCE])
    now = json.loads(run_well("status", "--json", "--data", standing))
    assert [stage["restarts"] for stage in now["stages"] if stage["name"] == "track"] == [0]


def test_a_name_that_is_no_stream_id_is_refused_and_nothing_is_published(standing, state, tmp_path):
    video = tmp_path / "any.avi"
    make_video(video, frames=3)
    before = rows(standing, "SELECT count() AS letters FROM dead_letters")
    broker = f"kafka.bootstrap={state['kafka']['bootstrap']}"
    for name in ("Back Porch", "cam/1", ".."):
        done = run_sightline("--set", broker, "produce", video, "--stream", name, "--state", tmp_path / "s")
        assert done.returncode == 1
        assert f"{name!r} is no stream id" in done.stderr
    assert not (tmp_path / "s").exists()
    assert rows(standing, "SELECT count() AS letters FROM dead_letters") == before


def test_no_password_of_a_camera_is_shown_or_stored(standing, state, tmp_path):
    options = ["--set", f"kafka.bootstrap={state['kafka']['bootstrap']}", "--set", "gateway.open_tries=1"]
    for source in (
        "http://127.0.0.1:9/flv?user=admin&password=S3cr3T&channel=7",
        "rtsp://127.0.0.1:9/user=admin&password=S3cr3T&channel=7&stream=0.sdp",
        "rtsp://admin:S3cr3T@127.0.0.1:9/channel-7",
    ):
        done = run_sightline(*options, "produce", source, "--state", tmp_path / "state")
        assert done.returncode == 1
        assert "cannot be opened: 127.0.0.1 does not answer" in done.stderr
        assert "S3cr3T" not in done.stdout + done.stderr
    told = wait_for_rows(
        standing, "SELECT * FROM streams WHERE stream_id LIKE '127.0.0.1-9-%' AND state = 'failed'", 3
    )
    assert {row["stream_id"] for row in told} == {
        "127.0.0.1-9-flv-channel-7",
        "127.0.0.1-9-channel-7-stream-0",
        "127.0.0.1-9-channel-7",
    }
    assert all("***" in row["message"] and "channel" in row["message"] for row in told)
    assert "S3cr3T" not in json.dumps(told, default=str)
    stored = [
        file.read_bytes() for folder in (tmp_path, standing) for file in folder.rglob("*") if file.is_file()
    ]
    assert not any(b"S3cr3T" in content for content in stored)


def test_wrong_sql_is_a_clear_error(standing):
    done = run_sightline("query", "SELECT nonsense FROM tracks", "--data", standing)
    assert done.returncode == 1
    assert "nonsense" in done.stderr
    assert "Traceback" not in done.stderr


def test_clients_of_clickhouse_can_ask_over_http(standing, state):
    port = state["clickhouse"]["http_port"]
    client = clickhouse_connect.get_client(host="127.0.0.1", port=port, database="sightline")
    assert client.query(
        "SELECT count() FROM frames WHERE seq > {n:UInt64}", parameters={"n": 10**15}
    ).result_rows == [(0,)]
    client.close()
    address = f"http://127.0.0.1:{port}/?query={urllib.parse.quote('SELECT 2 + 2')}"
    with urllib.request.urlopen(address, timeout=30) as answer:
        assert answer.read().strip() == b"4"


def test_nobody_can_write_over_http(standing, state):
    port = state["clickhouse"]["http_port"]
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", data=b"DROP TABLE sightline.tracks")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=30)


def test_random_bytes_on_any_topic_become_dead_letters_and_the_partition_moves_on(standing, state):
    sources = [topics.FRAMES, topics.DETECTIONS, topics.TRACKS, topics.CLASSIFICATIONS, topics.STREAMS]
    bad = [(topic.name, b"poison", os.urandom(200)) for topic in sources for _ in range(3)]
    publish(state["kafka"]["bootstrap"], bad)
    letters = wait_for_rows(standing, "SELECT topic, stage, reason FROM dead_letters", len(bad))
    assert {letter["topic"] for letter in letters} == {topic.name for topic in sources}
    assert all(letter["reason"] for letter in letters)


def test_a_camera_can_be_added_from_anywhere(standing, state, tmp_path):
    """Another gateway, started by hand as on another machine, ends in the same tables."""
    video = tmp_path / "yard.avi"
    make_video(video, frames=40)
    run_well(
        "--set",
        f"kafka.bootstrap={state['kafka']['bootstrap']}",
        "produce",
        video,
        "--state",
        tmp_path / "state",
    )
    found = wait_for_rows(standing, "SELECT seq FROM frames WHERE stream_id = 'yard' ORDER BY seq", 40)
    assert [row["seq"] for row in found] == list(range(40))


def audit_of(data: Path, stream_id: str) -> dict:
    done = run_sightline("audit", "--json", "--stream", stream_id, "--data", data)
    return json.loads(done.stdout)[stream_id] if done.stdout else {"ok": False}


def wait_for_audit(data: Path, stream_id: str) -> dict:
    """The stream's audit once all its frames are accounted for."""
    deadline = time.monotonic() + WAIT_S
    while not (found := audit_of(data, stream_id))["ok"] or not found["ended"]:
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    return found


def test_of_two_gateways_with_one_stream_the_older_stops_and_no_frame_goes_without_a_reason(
    standing, state, tmp_path
):
    make_video(tmp_path / "a.avi", frames=2400)  # it will not come to its end
    make_video(tmp_path / "b.avi", frames=60)

    def produce(name: str) -> list:
        options = ["--realtime", "--stream", "twice", "--state", tmp_path / name]
        address = f"kafka.bootstrap={state['kafka']['bootstrap']}"
        return ["--set", address, "produce", tmp_path / f"{name}.avi", *options]

    with (tmp_path / "older.log").open("wb") as log:
        older = subprocess.Popen(command(*produce("a")), env=environment(), cwd=tmp_path, stderr=log)
    try:
        wait_for_rows(standing, "SELECT seq FROM frames WHERE stream_id = 'twice'", 10)
        run_well(*produce("b"))
        assert older.wait(WAIT_S) == SUPERSEDED_EXIT, (tmp_path / "older.log").read_text()
    finally:
        older.kill()
    said = "has started the stream twice with a newer epoch"
    assert said in (tmp_path / "older.log").read_text()
    assert said in run_well("status", "--data", standing)
    found = wait_for_audit(standing, "twice")
    assert found["captured"] == found["written"] + sum(found["dropped"].values())
    assert found["dropped"].keys() <= {"overtaken", "superseded"}
    assert len(found["notes"]) == 1
    assert said in found["notes"][0]


def test_the_account_closes_for_a_gateway_that_sends_what_no_stage_can_read(standing, state):
    """A gateway in another language, with one good frame of four."""

    def detections(seq: int, **changes: object) -> bytes:
        message = Detections(
            stream_id="foreign",
            epoch=5,
            seq=seq,
            captured_at_ns=time.time_ns(),
            width=640,
            height=360,
            boxes=np.zeros((0, 4), np.float32),
            scores=np.zeros(0, np.float32),
            class_ids=np.zeros(0, np.uint16),
            labels="coco",
            names={},
        )
        return replace(message, **changes).to_bytes()

    status = StreamStatus(
        stream_id="foreign",
        epoch=5,
        stage="capture",
        instance="theirs",
        at_ns=time.time_ns(),
        state="ended",
        counters={"captured": 4, "published": 4},
    )
    wide = Frame(
        stream_id="foreign", epoch=5, seq=3, captured_at_ns=1, width=20_000, height=64, jpeg=b"picture"
    )
    sent = [
        (topics.DETECTIONS.name, b"foreign", detections(0)),
        (topics.DETECTIONS.name, b"foreign", detections(1, labels="x" * 200)),
        (topics.DETECTIONS.name, b"foreign", b"\xc1 no message at all"),
        (topics.FRAMES.name, b"foreign", wide.to_bytes()),
        (topics.STREAMS.name, status.key, status.to_bytes()),
    ]
    publish(state["kafka"]["bootstrap"], sent)
    deadline = time.monotonic() + WAIT_S
    while (found := audit_of(standing, "foreign")).get("in_flight") != 0:
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    assert (found["ok"], found["captured"], found["written"]) == (True, 4, 1)
    assert found["dropped"] == {"dead_letter": 2, "unreadable": 1}
    told = run_well("audit", "--stream", "foreign", "--data", standing)
    assert "1 dead letter of infer about sightline.frames.v1, why: width: 20000 is not in 1..16384" in told
    assert "2 dead letters of track about sightline.detections.v1" in told

"""`schemas/README.md` is a contract with people who cannot see the code: it must say what the code does."""

import re
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from aiokafka.partitioner import DefaultPartitioner, murmur2

from schemas import arrays, dead_letters, fields, frames, streams, topics, truth, unpacking, wire
from schemas.detections import Detections
from tests.unit.golden.samples import DEAD_LETTERS
from tests.unit.golden.samples import MESSAGES as SAMPLES

README = (Path(wire.__file__).parent / "README.md").read_text(encoding="utf-8")
MIB = 1024 * 1024


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def code(language: str) -> str:
    (block,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return str(block)


def fields_in(text: str) -> dict[str, bool]:
    """Name of each field in a section's table, and whether it is required."""
    rows = re.findall(r"^\| (`.*?) \| .* \| ([^|]*) \|$", text, re.MULTILINE)
    return {name: use.startswith("required") for names, use in rows for name in re.findall(r"`(\w+)`", names)}


def row(topic: topics.Topic) -> str:
    key = {topics.STREAMS: "stream id + `/` + stage", topics.DEAD_LETTERS: "as it came"}.get(
        topic, "stream id"
    )
    days, rest = divmod(topic.retention_s, 86_400)
    kept = f"{days} days" if days else f"{rest // 3600} hour"
    if topic.retention_bytes is not None:
        kept += f", at most {topic.retention_bytes // 1024**3} GiB a partition"
    if topic.compacted:
        kept = "latest of each key"
    return f"| `{topic.name}` | {topic.purpose} | {key} | {kept} | {topic.max_message_bytes // MIB} MiB |"


def test_the_table_of_topics_is_that_of_the_code() -> None:
    rows = [line for line in section("Topics").splitlines() if line.startswith("| `sightline.")]
    assert rows == [row(topic) for topic in topics.ALL]


def test_the_limits_are_those_of_the_code() -> None:
    limits = {
        "bytes of a message": unpacking.MAX_MESSAGE_BYTES,
        "bytes of a JPEG": frames.MAX_JPEG_BYTES,
        "detections or tracks of a frame": arrays.MAX_BOXES,
        "items of one list or map": unpacking.MAX_NAMES,
        "items of all lists and maps together, in a message over 64 KiB": unpacking.MAX_ITEMS,
        "characters of a name": fields.MAX_NAME_CHARS,
        "entries of a trace": fields.MAX_TRACE,
        "width or height of a frame, pixels": fields.MAX_SIDE_PX,
        "absolute value of a coordinate, pixels": int(arrays.MAX_COORDINATE_PX),
        "numbers in an embedding": arrays.MAX_EMBEDDING,
        "characters of a status's sentence": streams.MAX_MESSAGE_CHARS,
        "characters of a dead letter's reason": dead_letters.MAX_REASON_CHARS,
        "events of a message about the truth": truth.MAX_EVENTS,
        "points of a line or zone": truth.MAX_POINTS,
    }
    rows = re.findall(r"^\| ([^|`]+) \| (\d+) \|$", section("Encoding"), re.MULTILINE)
    assert {name: int(value) for name, value in rows} == limits


@pytest.mark.parametrize(
    ("topic", "fullest", "barest"),
    [
        ("frames", "frames.v1", "frames.v1"),
        ("detections", "detections_appearance.v1", "detections_none.v1"),
        ("tracks", "tracks_left_out.v1", "tracks.v1"),
        ("classifications", "classifications.v1", "classifications_first.v1"),
        ("streams", "streams.v1", None),
        ("control", "control.v1", None),
        ("alerts", "alerts.v1", None),
        ("truth", "truth.v1", "truth_none.v1"),
    ],
)
def test_the_fields_of_each_message_are_those_of_the_code(
    topic: str, fullest: str, barest: str | None
) -> None:
    listed = fields_in(section(f"`sightline.{topic}.v1`"))
    common = fields_in(section("Fields of every message about a frame")) if barest else {}
    kind = type(SAMPLES[fullest])
    if topic == "alerts":
        assert set(listed) == {*kind.__dataclass_fields__, "specversion", "datacontenttype"}
        return
    written = msgpack.unpackb(SAMPLES[fullest].to_bytes())
    assert {**common, **listed}.keys() == written.keys()
    required = {name for name, needed in {**common, **listed}.items() if needed}
    if barest:
        assert required == msgpack.unpackb(SAMPLES[barest].to_bytes()).keys()
    bare = {name: written[name] for name in required}
    kind.from_bytes(msgpack.packb(bare))
    for gone in required:
        with pytest.raises(wire.DecodeError):
            kind.from_bytes(msgpack.packb({name: bare[name] for name in required - {gone}}))


@pytest.mark.parametrize("name", [name for name in SAMPLES if "_" not in name and name != "alerts.v1"])
def test_the_types_and_limits_of_each_message_are_those_that_it_declares(name: str) -> None:
    text = section(f"`sightline.{name}`") + section("Fields of every message about a frame")
    rows = re.findall(r"^\| (`.*?) \| (.*?) \| (.*?) \| [^|]* \|$", text, re.MULTILINE)
    listed = {each: (kind, said) for names, kind, said in rows for each in re.findall(r"`(\w+)`", names)}
    declared = type(SAMPLES[name]).wire_fields
    assert {each: listed[each][0] for each in declared} == {
        each: field.wire_type for each, field in declared.items()
    }
    unsaid = {each: field.limits for each, field in declared.items() if field.limits not in listed[each][1]}
    assert unsaid == {}


def test_the_headers_of_a_dead_letter_are_those_of_the_code() -> None:
    listed = fields_in(section("`sightline.dead-letters.v1`"))
    fullest = replace(DEAD_LETTERS["dead_letters.v1"], size_bytes=1)
    assert list(listed) == [name for name, _ in fullest.headers()]
    always = [name for name, _ in DEAD_LETTERS["dead_letters_unknown.v1"].headers()]
    assert [name for name, needed in listed.items() if needed] == always


def test_the_words_for_state_are_those_of_the_code() -> None:
    assert all(f"`{state}`" in section("`sightline.streams.v1`") for state in streams.STATES)


def test_the_words_of_an_event_are_those_of_the_code() -> None:
    text = section("`sightline.truth.v1`")
    listed = re.findall(r"^- `(\w+)`:", text, re.MULTILINE)
    assert set(listed) == set(truth.TruthEvent.__dataclass_fields__)
    assert all(f"`{word}`" in text for word in (*truth.KINDS, *truth.DIRECTIONS) if word)


def test_the_keys_to_check_a_partitioner_with_are_right() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| `(0x\w+)` \| (\d) \|$", section("Topics"), re.MULTILINE)
    assert len(rows) == 3
    for key, hashed, partition in rows:
        eight = list(range(8))
        assert murmur2(key.encode()) & 0xFFFFFFFF == int(hashed, 16)
        assert DefaultPartitioner()(key.encode(), eight, eight) == int(partition)


def test_the_bytes_of_the_worked_message_are_what_they_are_said_to_be() -> None:
    data = b"".join(bytes.fromhex(line.partition("#")[0]) for line in code("hex").splitlines())
    found = Detections.from_bytes(data)
    assert len(data) == 185
    assert (found.stream_id, found.epoch, found.seq) == ("gate", 1767225600, 7)
    assert found.trace == (("capture", 1767225601000000000),)
    assert (found.width, found.height, found.labels, found.names) == (640, 360, "coco", {2: "car"})
    np.testing.assert_array_equal(found.boxes, [[10, 20.5, 110, 220]])
    assert (found.scores.tolist(), found.class_ids.tolist()) == ([0.75], [2])
    assert found.to_bytes() == data


def test_the_gateway_sends_messages_that_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, bytes, bytes]] = []
    config: dict[str, Any] = {}

    class Producer:
        def __init__(self, given: dict[str, Any]) -> None:
            config.update(given)

        def produce(self, topic: str, *, key: bytes, value: bytes) -> None:
            sent.append((topic, key, value))

        def flush(self) -> None:
            sent.append(("flushed", b"", b""))

    stand_in = types.ModuleType("confluent_kafka")
    stand_in.Producer = Producer  # type: ignore[attr-defined]  # a module made for this test
    monkeypatch.setitem(sys.modules, "confluent_kafka", stand_in)
    exec(compile(code("python"), "schemas/README.md", "exec"), {})  # the block from our own page

    assert (config["partitioner"], config["acks"]) == ("murmur2_random", "all")
    assert [topic for topic, _, _ in sent] == [topics.DETECTIONS.name] * 2 + ["flushed"]
    assert {key for _, key, _ in sent[:2]} == {b"gate"}
    one, none = (Detections.from_bytes(value) for _, _, value in sent[:2])
    np.testing.assert_array_equal(one.boxes, [[10, 20.5, 110, 220]])
    assert (one.scores.tolist(), one.class_ids.tolist(), one.names) == ([0.75], [2], {2: "car"})
    assert (one.seq, none.seq, len(none.boxes)) == (0, 1, 0)
    assert none.order > one.order

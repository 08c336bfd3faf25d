"""What each field may hold, and that a refusal names it."""

from typing import Any

import msgpack
import numpy as np
import pytest

from schemas.control import StreamCommand
from schemas.detections import Detections
from schemas.streams import StreamStatus
from schemas.tracks import Tracks
from schemas.unpacking import MAX_NAMES
from schemas.wire import DecodeError
from tests.unit.golden.samples import MESSAGES as SAMPLES
from tests.unit.schemas.comparing import differences

PACKED = [name for name in SAMPLES if not name.startswith("alerts")]
OPTIONAL = {
    "embeddings": None,
    "probabilities": None,
    "previous": None,
    "max_rate_fps": None,
    "max_width_px": None,
    "mode": None,
    "message": "",
    "left_out": {},
}


def fields_of(name: str) -> dict[str, Any]:
    return dict(msgpack.unpackb(SAMPLES[name].to_bytes()))


def decode(name: str, fields: dict[str, Any]) -> Any:
    return type(SAMPLES[name]).from_bytes(msgpack.packb(fields))


def refusal(name: str, **changes: Any) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode(name, fields_of(name) | changes)
    return caught.value


@pytest.mark.parametrize("name", PACKED)
def test_a_required_field_that_is_missing_or_nil_is_named(name: str) -> None:
    fields = fields_of(name)
    for gone in fields.keys() - OPTIONAL.keys():
        without = {key: value for key, value in fields.items() if key != gone}
        for damaged in (without, fields | {gone: None}):
            with pytest.raises(DecodeError) as caught:
                decode(name, damaged)
            assert caught.value.field == gone


@pytest.mark.parametrize("name", PACKED)
def test_an_optional_field_that_is_missing_or_nil_has_its_empty_value(name: str) -> None:
    fields = fields_of(name)
    for gone in fields.keys() & OPTIONAL.keys():
        without = {key: value for key, value in fields.items() if key != gone}
        for damaged in (without, fields | {gone: None}):
            assert getattr(decode(name, damaged), gone) == OPTIONAL[gone]


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize(
    "value", [None, 7, "x", b"\x00" * 9, [1, [2]], {"a": {"b": 1.5}}, msgpack.ExtType(5, b"x")]
)
def test_a_field_of_a_later_release_is_ignored(name: str, value: Any) -> None:
    assert differences(decode(name, {"later": value} | fields_of(name)), SAMPLES[name]) == []


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("version", [0, 2, -1, True, 1.0, "1", None, [1]])
def test_any_version_but_the_integer_1_is_refused(name: str, version: Any) -> None:
    assert refusal(name, version=version).field == "version"


@pytest.mark.parametrize(
    "stream_id", ["", "a" * 65, "a b", "cam\n", "ä", "a/b", b"cam", 7, True, "cam\x00", ".", ".."]
)
@pytest.mark.parametrize("name", PACKED)
def test_only_legal_stream_ids_are_taken(name: str, stream_id: Any) -> None:
    assert refusal(name, stream_id=stream_id).field == "stream_id"


@pytest.mark.parametrize("value", [-1, 2**63, True, False, 1.0, "1", b"\x01", [1], msgpack.Timestamp(1)])
@pytest.mark.parametrize("field", ["epoch", "seq", "captured_at_ns", "width", "height", "detections"])
def test_only_integers_in_range_are_taken_for_integers(field: str, value: Any) -> None:
    assert refusal("tracks.v1", **{field: value}).field == field


@pytest.mark.parametrize(
    "corners",
    [
        [np.nan, 0, 1, 1],
        [0, 0, np.inf, 1],
        [-np.inf, 0, 1, 1],
        [0, 0, 1, 1e7],
        [-1e7, 0, 1, 1],
        [2, 0, 1, 1],
        [0, 2, 1, 1],
    ],
)
def test_boxes_that_are_not_finite_near_and_in_order_are_refused(corners: list[float]) -> None:
    boxes = np.array([[0, 0, 1, 1], corners], np.float32).tobytes()
    assert refusal("detections.v1", boxes=boxes).field == "boxes"
    assert refusal("tracks.v1", boxes=boxes).field == "boxes"


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf, -1e-6, 1.0001])
def test_scores_and_probabilities_outside_0_to_1_are_refused(score: float) -> None:
    scores = np.array([0.5, score], np.float32).tobytes()
    assert refusal("detections.v1", scores=scores).field == "scores"
    assert refusal("tracks.v1", scores=scores).field == "scores"
    four = np.array([0.5, score, 0, 0], np.float32).tobytes()
    assert refusal("detections_appearance.v1", probabilities=four).field == "probabilities"


@pytest.mark.parametrize("field", ["boxes", "scores", "class_ids", "embeddings", "probabilities"])
def test_an_array_that_is_too_long_or_too_short_is_named(field: str) -> None:
    data = fields_of("detections_appearance.v1")[field]
    assert refusal("detections_appearance.v1", **{field: data + b"\x00"}).field == field
    assert refusal("detections_appearance.v1", **{field: data[:-1]}).field == field
    assert refusal("detections_appearance.v1", boxes=b"").field in {"class_ids", "scores"}


def test_more_boxes_than_the_limit_are_refused() -> None:
    assert refusal("detections.v1", boxes=bytes(16 * 4097)).field == "boxes"


def test_embeddings_without_columns_or_with_too_many_are_refused() -> None:
    assert refusal("detections_appearance.v1", embeddings=b"").field == "embeddings"
    assert refusal("detections_appearance.v1", embeddings=bytes(2 * 2 * 2049)).field == "embeddings"
    not_finite = np.array([[0.5, np.inf], [0, 0]], np.float16).tobytes()
    assert refusal("detections_appearance.v1", embeddings=not_finite).field == "embeddings"


def test_probabilities_need_the_names_of_their_columns() -> None:
    fields = fields_of("detections_appearance.v1")
    del fields["attributes"]
    with pytest.raises(DecodeError, match="attributes"):
        decode("detections_appearance.v1", fields)
    assert refusal("detections_appearance.v1", attributes=[], probabilities=b"").field == "attributes"


@pytest.mark.parametrize(
    "names",
    [
        [],
        [[2, "car"]],
        [[2, "car"], [65535, "a"], [2, "b"]],
        [[2, "car"], [65536, "x"]],
        [[2]],
        [["2", "x"]],
        {},
    ],
)
def test_each_class_id_needs_exactly_one_name(names: Any) -> None:
    assert refusal("detections.v1", names=names).field == "names"


def test_a_label_id_without_a_label_is_refused() -> None:
    assert refusal("tracks.v1", labels=["car"]).field == "label_ids"


def test_observed_is_0_or_1() -> None:
    assert refusal("tracks.v1", observed=b"\x00\x02").field == "observed"


def test_a_track_id_that_does_not_fit_a_signed_64_bit_integer_is_refused_everywhere() -> None:
    ids = np.array([1, 2**63], np.uint64).tobytes()
    assert refusal("tracks.v1", track_ids=ids).field == "track_ids"
    assert refusal("classifications.v1", track_id=2**63).field == "track_id"


def test_long_lists_and_names_are_refused() -> None:
    assert refusal("frames.v1", trace=[["a", 1]] * 33).field == "trace"
    assert refusal("frames.v1", trace=[["a" * 129, 1]]).field == "trace"
    assert refusal("tracks.v1", labels=["a"] * (MAX_NAMES + 1)).field == "message"
    assert refusal("classifications.v1", label="a" * 129).field == "label"
    assert refusal("streams.v1", message="a" * 2001).field == "message"


@pytest.mark.parametrize(
    "trace", [[["a", -1]], [["a", 2**63]], [["a", True]], [["a"]], [[1, 1]], ["a"], {"a": 1}]
)
def test_a_trace_that_is_no_list_of_stages_and_clocks_is_refused(trace: Any) -> None:
    assert refusal("frames.v1", trace=trace).field == "trace"


@pytest.mark.parametrize(
    "counters",
    [{"a": -1}, {"a": 1.5}, {"a": True}, {"a": 2**63}, {"a": None}, {"a" * 129: 1}, {b"a": 1}, [], 3],
)
def test_counters_are_a_map_of_names_to_counts(counters: Any) -> None:
    assert refusal("streams.v1", counters=counters).field == "counters"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_rate_fps", 0.0),
        ("max_rate_fps", 1000.1),
        ("max_rate_fps", float("nan")),
        ("max_rate_fps", True),
        ("max_width_px", 15),
        ("max_width_px", 16_385),
        ("mode", "Frames"),
        ("mode", ""),
    ],
)
def test_commands_out_of_range_are_refused(field: str, value: Any) -> None:
    assert refusal("control.v1", **{field: value}).field == field


def test_a_rate_may_be_sent_as_an_integer() -> None:
    command: StreamCommand = decode("control.v1", fields_of("control.v1") | {"max_rate_fps": 30})
    assert command.max_rate_fps == 30.0
    assert isinstance(command.max_rate_fps, float)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"kind": "seen", "place": "a", "at_ns": 1}, "kind"),
        ({"kind": "defined", "place": "a", "at_ns": 1}, "points"),
        ({"kind": "defined", "place": "a", "at_ns": 1, "points": bytes(8)}, "points"),
        ({"kind": "defined", "place": "a", "at_ns": 1, "points": bytes(20)}, "points"),
        ({"kind": "defined", "place": "a", "at_ns": 1, "points": bytes(8 * 65)}, "points"),
        ({"kind": "defined", "place": "a", "at_ns": 1, "points": b"\xff" * 16}, "points"),
        ({"kind": "defined", "place": "a", "at_ns": 1, "points": bytes(16), "object_id": 1}, "object_id"),
        (
            {"kind": "defined", "place": "a", "at_ns": 1, "points": bytes(16), "direction": "forward"},
            "direction",
        ),
        ({"kind": "crossed", "place": "a", "at_ns": 1, "object_id": 1}, "direction"),
        ({"kind": "crossed", "place": "a", "at_ns": 1, "object_id": 1, "direction": "up"}, "direction"),
        ({"kind": "crossed", "place": "a", "at_ns": 1, "direction": "forward"}, "object_id"),
        ({"kind": "crossed", "place": "a", "object_id": 1, "direction": "forward"}, "at_ns"),
        ({"kind": "crossed", "at_ns": 1, "object_id": 1, "direction": "forward"}, "place"),
        ({"kind": "left", "place": "a", "at_ns": 1, "object_id": 1, "direction": "forward"}, "direction"),
        ({"kind": "left", "place": "a", "at_ns": 1, "object_id": 1, "points": bytes(16)}, "points"),
        (["left"], "events"),
    ],
)
def test_an_event_of_the_truth_has_what_its_kind_asks_for_and_nothing_else(event: Any, field: str) -> None:
    assert refusal("truth.v1", events=[event]).field == field


def test_too_many_events_are_refused() -> None:
    event = {"kind": "left", "place": "a", "at_ns": 1, "object_id": 1}
    assert refusal("truth.v1", events=[event] * 257).field == "events"


def test_an_object_is_on_a_frame_once_and_its_names_are_there() -> None:
    assert refusal("truth.v1", object_ids=np.array([7, 7], np.uint64).tobytes()).field == "object_ids"
    assert refusal("truth.v1", object_ids=np.array([7, 2**63], np.uint64).tobytes()).field == "object_ids"
    assert refusal("truth.v1", classes=["car"]).field == "class_ids"
    assert refusal("truth.v1", attributes=["car-red"]).field == "attribute_ids"
    assert refusal("truth.v1", visibility=np.array([0, 1.5], np.float32).tobytes()).field == "visibility"


def test_an_unknown_state_is_refused() -> None:
    assert refusal("streams.v1", state="RUNNING").field == "state"


def test_the_key_of_a_status_names_stream_and_stage() -> None:
    status: StreamStatus = SAMPLES["streams.v1"]
    assert status.key == b"gate-7.north_1/capture"


def test_the_order_of_a_frame_is_by_epoch_then_number() -> None:
    early, late = (
        decode("tracks.v1", fields_of("tracks.v1") | change) for change in ({"epoch": 1, "seq": 9}, {})
    )
    assert isinstance(early, Tracks)
    assert early.order < late.order


def test_the_sample_without_detections_is_a_message_with_empty_arrays() -> None:
    empty = Detections.from_bytes(SAMPLES["detections_none.v1"].to_bytes())
    assert (empty.boxes.shape, empty.scores.shape, empty.embeddings) == ((0, 4), (0,), None)

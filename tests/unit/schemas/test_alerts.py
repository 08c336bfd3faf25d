import json
from typing import Any

import pytest

from schemas.alerts import Alert
from schemas.wire import DecodeError
from tests.unit.golden.samples import MESSAGES as SAMPLES


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"id": ""}, "id"),
        ({"source": None}, "source"),
        ({"type": 3}, "type"),
        ({"subject": "a b"}, "subject"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2026-01-01T00:00:00"}, "time"),
        ({"time": "2026-01-01T00:00:00+01:00"}, "time"),
        ({"time": "2026-02-30T00:00:00Z"}, "time"),
        ({"time": "2026-01-01T00:00:00Z\n"}, "time"),
        ({"data": []}, "data"),
    ],
)
def test_a_wrong_attribute_is_named(change: dict[str, Any], field: str) -> None:
    event = json.loads(SAMPLES["alerts.v1"].to_bytes()) | change
    with pytest.raises(DecodeError) as caught:
        Alert.from_bytes(json.dumps(event).encode())
    assert caught.value.field == field


@pytest.mark.parametrize(
    "value",
    [b"NaN", b"Infinity", b"-Infinity", b"1e999", b'"\\ud800"', b"[" * 100_000, b"1" * 5000, b"\xff"],
)
def test_what_is_not_portable_json_is_refused(value: bytes) -> None:
    text = SAMPLES["alerts.v1"].to_bytes().replace(b"null", value)
    with pytest.raises(DecodeError) as caught:
        Alert.from_bytes(text)
    assert caught.value.field == "message"


def test_other_encodings_than_utf8_are_refused() -> None:
    text = SAMPLES["alerts.v1"].to_bytes().decode()
    for encoding in ("utf-16", "utf-32", "utf-8-sig"):
        with pytest.raises(DecodeError):
            Alert.from_bytes(text.encode(encoding))


def test_an_extension_attribute_is_ignored() -> None:
    text = SAMPLES["alerts.v1"].to_bytes().replace(b"{", b'{"traceparent":"00",', 1)
    assert Alert.from_bytes(text) == SAMPLES["alerts.v1"]

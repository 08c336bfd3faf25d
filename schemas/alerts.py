"""`sightline.alerts.v1`: CloudEvents 1.0 in JSON (structured mode), so that any service can subscribe."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schemas.unpacking import size_checked
from schemas.wire import STREAM_ID, DecodeError

_TEXTS = ("id", "source", "type", "subject", "time")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert, as a CloudEvent.

    Attributes:
        id: Unique within the source; the same alert sent twice has the same id.
        source: Which rule of which system, a URI reference such as "/sightline/rules/gate".
        type: Kind of event, such as "sightline.zone.entered".
        subject: The stream id.
        time: Event time, RFC 3339 in UTC, such as "2026-01-31T08:00:00.25Z".
        data: What happened, JSON values by name.
    """

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """The event as JSON, keys sorted, so that the same alert gives the same bytes."""
        event = {name: getattr(self, name) for name in _TEXTS}
        event |= {"specversion": "1.0", "datacontenttype": "application/json", "data": dict(self.data)}
        return json.dumps(event, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes | None) -> "Alert":
        """Parse and check; raises `DecodeError`."""
        checked = size_checked(data)
        try:
            event = json.loads(checked.decode())
            # Python reads NaN, 1e999 and lone surrogates, which no other JSON reader need accept.
            json.dumps(event, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise DecodeError(
                "message", f"cannot be read as JSON ({type(error).__name__}: {error!s:.100})"
            ) from error
        if not isinstance(event, dict):
            raise DecodeError("message", f"is a {type(event).__name__}, not an object")
        if event.get("specversion") != "1.0":
            raise DecodeError("specversion", f"is {event.get('specversion')!r:.40}, this reader knows 1.0")
        for name in _TEXTS:
            if not isinstance(event.get(name), str) or not event[name]:
                raise DecodeError(name, "is missing or not a string")
        if not STREAM_ID.match(event["subject"]):
            raise DecodeError("subject", f"{event['subject']!r:.80} is not a stream id")
        if not _is_utc(event["time"]):
            raise DecodeError("time", f"{event['time']!r:.40} is not RFC 3339 in UTC, ending in Z")
        if not isinstance(event.get("data"), dict):
            raise DecodeError("data", "is missing or not an object")
        return cls(**{name: event[name] for name in _TEXTS}, data=event["data"])


def _is_utc(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True

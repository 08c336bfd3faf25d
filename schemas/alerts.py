"""`sightline.alerts.v1`: CloudEvents 1.0 in JSON (structured mode), so that any service can subscribe."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.wire import MAX_MESSAGE_BYTES, STREAM_ID, DecodeError

_TEXTS = ("id", "source", "type", "subject", "time")


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert, as a CloudEvent.

    Attributes:
        id: Unique within the source; the same alert sent twice has the same id.
        source: Which rule of which system, a URI reference such as "/sightline/rules/gate".
        type: Kind of event, such as "sightline.zone.entered".
        subject: The stream id.
        time: Event time, RFC 3339 in UTC.
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
    def from_bytes(cls, data: bytes) -> "Alert":
        """Parse and check; raises `DecodeError`."""
        if len(data) > MAX_MESSAGE_BYTES:
            raise DecodeError("message", f"{len(data)} bytes are over the limit of {MAX_MESSAGE_BYTES}")
        try:
            event = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise DecodeError("message", f"not JSON ({type(error).__name__})") from error
        if not isinstance(event, dict):
            raise DecodeError("message", f"is a {type(event).__name__}, not an object")
        if event.get("specversion") != "1.0":
            raise DecodeError("specversion", f"is {event.get('specversion')!r:.40}, this reader knows 1.0")
        for name in _TEXTS:
            if not isinstance(event.get(name), str) or not event[name]:
                raise DecodeError(name, "is missing or not a string")
        if not STREAM_ID.match(event["subject"]):
            raise DecodeError("subject", f"{event['subject']!r:.80} is not a stream id")
        if not isinstance(event.get("data"), dict):
            raise DecodeError("data", "is missing or not an object")
        return cls(**{name: event[name] for name in _TEXTS}, data=event["data"])

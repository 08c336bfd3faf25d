"""Dead letters as the topic holds them, without their bytes. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from schemas.dead_letters import DeadLetter, Headers
from schemas.fields import MAX_INT
from schemas.wire import DecodeError
from sightline.errors import SightlineError

RETRIED_AT: Final = "retried_at_ns"
"""The header that makes a record without a value a receipt."""

_PLACE: Final = re.compile(r"([A-Za-z0-9._-]{1,249})/(\d{1,10})/(\d{1,19})\Z")
_DIGITS: Final = re.compile(r"\d{1,19}\Z")


class Place(NamedTuple):
    """Where a record is: topic, partition and offset."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """One dead letter in its topic.

    Attributes:
        at: Where the letter is: in the dead letter topic.
        letter: The letter, with no bytes in `value`: they may be many.
        size_bytes: How many bytes the record had.
        retried_at_ns: When it was last sent again, in Unix nanoseconds; None if it never was.
    """

    at: Place
    letter: DeadLetter
    size_bytes: int
    retried_at_ns: int | None = None

    @property
    def origin(self) -> Place:
        """Where the record came from that the letter is about; the identity of a letter."""
        return Place(self.letter.topic, self.letter.partition, self.letter.offset)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters are meant; None takes all.

    Attributes:
        stream_id: Those of this stream, also where only the record's key tells it.
        stage: Those that this stage refused.
        since_ns: Those refused at or after this time, in Unix nanoseconds.
    """

    stream_id: str | None = None
    stage: str | None = None
    since_ns: int = 0

    def takes(self, stored: StoredLetter) -> bool:
        """Whether a letter is meant."""
        letter = stored.letter
        return (
            self.stream_id in (None, stream_of(letter))
            and self.stage in (None, letter.stage)
            and letter.at_ns >= self.since_ns
        )


def stream_of(letter: DeadLetter) -> str:
    """The stream of a letter: from its headers, else from the record's key; "" if neither tells it."""
    return letter.stream_id or (letter.key or b"").decode("utf-8", errors="backslashreplace")


def parse_place(text: str) -> Place:
    """Read TOPIC/PARTITION/OFFSET; raises SightlineError."""
    match = _PLACE.match(text)
    if match is None or int(match[3]) > MAX_INT:
        raise SightlineError(
            f"{text!r:.200} is no place of a record.",
            "Write TOPIC/PARTITION/OFFSET, as `sightline dead-letters list` shows it.",
        )
    return Place(match[1], int(match[2]), int(match[3]))


class Collected:
    """Takes the records of the topic in, each partition's in order, and knows what they say together."""

    def __init__(self) -> None:
        self.strangers = 0  # records that are no dead letters
        self._letters: dict[tuple[Place, str], StoredLetter] = {}

    def take(self, at: Place, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        """One record. A letter that comes again, as after the death of the stage that wrote it, is one."""
        try:
            letter = DeadLetter.from_record(key, value or b"", headers)
        except DecodeError:
            self.strangers += 1
            return
        size_bytes = len(letter.value) if letter.size_bytes is None else letter.size_bytes
        stored = StoredLetter(at, replace(letter, value=b""), size_bytes)
        identity = (stored.origin, letter.stage)
        if value is None:
            known = self._letters.get(identity)
            if known is not None and (retried_at_ns := _retried_at_ns(headers)) is not None:
                self._letters[identity] = replace(known, retried_at_ns=retried_at_ns)
        else:
            self._letters.setdefault(identity, stored)

    @property
    def letters(self) -> list[StoredLetter]:
        """All letters, the oldest first."""
        return sorted(self._letters.values(), key=lambda stored: (stored.letter.at_ns, stored.origin))


def receipt_headers(stored: StoredLetter, at_ns: int) -> Headers:
    """The headers of the receipt for a letter that was sent again at this time, in Unix nanoseconds."""
    return [*stored.letter.headers(), (RETRIED_AT, str(at_ns).encode())]


def select(letters: Iterable[StoredLetter], places: Sequence[Place], wanted: Filter) -> list[StoredLetter]:
    """The letters about these records, or, if none is named, those that the filter takes.

    Raises:
        SightlineError: There is no letter about one of the places.
    """
    if not places:
        return [stored for stored in letters if wanted.takes(stored)]
    named = set(places)
    found = [stored for stored in letters if stored.origin in named]
    for place in places:
        if all(stored.origin != place for stored in found):
            raise SightlineError(
                f"There is no dead letter about {place}.",
                "`sightline dead-letters list` shows those there are.",
            )
    return found


def _retried_at_ns(headers: Headers) -> int | None:
    for name, raw in headers:
        if name == RETRIED_AT and _DIGITS.match(text := (raw or b"").decode("ascii", errors="replace")):
            return int(text)
    return None
